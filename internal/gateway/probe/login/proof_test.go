package login

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestWhatIsNoProof: a page that asks nobody any more, an answer that is neither, a
// service that only hangs up.
func TestWhatIsNoProof(t *testing.T) {
	asked := false
	once := website(t, func(w http.ResponseWriter, r *http.Request) {
		if !asked {
			asked = true
			_, _ = io.WriteString(w, loginPage)
		}
	}, false)
	busy := website(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, false)
	gone := serve(t, func(c net.Conn) {})
	for _, c := range []struct {
		service string
		at      netip.AddrPort
		want    Outcome
	}{{"http", once, Unclear}, {"http", busy, Locked}, {"telnet", gone, Failed}, {"ftp", gone, Failed}, {"mqtt", gone, Failed}, {"rtsp", gone, Failed}, {"ssh", gone, Failed}} {
		if a := Clients(nil)[c.service].Try(t.Context(), dialer, c.at, ourUser, ourSecret); a.Outcome != c.want {
			t.Errorf("%s: %+v", c.service, a)
		}
	}
}

// site is one that only looks as if it had let somebody in, or had refused.
type site struct {
	name   string
	want   Outcome
	answer http.HandlerFunc
}

const staticForm = `<form action="/do" method="post"><input name="u"><input type="password" name="p"></form>`

func hasCookie(r *http.Request) bool {
	c, err := r.Cookie("in")
	return err == nil && c.Value == "yes"
}

var formSites = []site{
	{"a form that stays, and a page behind it", Accepted, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/do":
			http.SetCookie(w, &http.Cookie{Name: "in", Value: "yes", Path: "/"}) //nolint:gosec // as cheap devices do
			http.Redirect(w, r, "/home", http.StatusFound)
		case r.URL.Path == "/home" && hasCookie(r):
			_, _ = io.WriteString(w, `<h1>Camera</h1><a href="/logout">leave</a>`)
		case r.URL.Path == "/home":
			http.Redirect(w, r, "/", http.StatusFound)
		default:
			_, _ = io.WriteString(w, staticForm)
		}
	}},
	{"a form that stays, and a page that everybody sees", Unclear, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/do":
			http.Redirect(w, r, "/home", http.StatusFound)
		case "/home":
			_, _ = io.WriteString(w, `<h1>Welcome</h1>`)
		default:
			_, _ = io.WriteString(w, staticForm)
		}
	}},
	{"a lock for this cookie alone", Locked, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "in", Value: "yes", Path: "/"}) //nolint:gosec // as cheap devices do
		if hasCookie(r) && r.URL.Path != "/do" {
			_, _ = io.WriteString(w, "Too many attempts: come back tomorrow")
			return
		}
		_, _ = io.WriteString(w, staticForm)
	}},
	{"a refusal for this cookie alone", Unclear, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "in", Value: "yes", Path: "/"}) //nolint:gosec // as cheap devices do
		if hasCookie(r) && r.URL.Path != "/do" {
			_, _ = io.WriteString(w, "Wrong password")
			return
		}
		_, _ = io.WriteString(w, staticForm)
	}},
}

var otherSites = []site{
	{"a program sends the form", Unclear, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `<script>var locked = "blocked"</script>`+staticForm)
	}},
	{"the words are always there", Refused, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `<p>After three wrong passwords you are locked out.</p>`+staticForm)
	}},
	{"basic leads to where everybody may go", Unclear, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/error":
			_, _ = io.WriteString(w, "sorry")
		case r.Header.Get("Authorization") != "":
			http.Redirect(w, r, "/error", http.StatusFound)
		default:
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
		}
	}},
	{"basic leads to where nobody else may go", Accepted, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") == "":
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/":
			http.Redirect(w, r, "/home", http.StatusFound)
		}
	}},
	{"who knows the password may still not", Unclear, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", "Basic")
		w.WriteHeader(map[bool]int{true: http.StatusUnauthorized, false: http.StatusForbidden}[r.Header.Get("Authorization") == ""])
	}},
}

// TestPagesThatDeceive: a page has to prove what it shows.
func TestPagesThatDeceive(t *testing.T) {
	for _, c := range append(formSites, otherSites...) {
		t.Run(c.name, func(t *testing.T) {
			if a := Clients(nil)["http"].Try(t.Context(), dialer, website(t, c.answer, false), ourUser, ourSecret); a.Outcome != c.want {
				t.Errorf("%+v, want %s", a, c.want)
			}
		})
	}
}

// TestWhereAPageAsks: on the first page, where that leads, at a usual place; or a program
// may ask.
func TestWhereAPageAsks(t *testing.T) {
	for page, want := range map[string]string{
		`<meta http-equiv="Refresh" content="0; URL=/cgi/in">`:       "form",
		`<html><script src="app.js"></script><div id=app></div>`:     "",
		`<html><p>` + strings.Repeat("A camera. ", 40) + `<script>x`: "none",
	} {
		site := website(t, func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/":
				_, _ = io.WriteString(w, page)
			case "/cgi/in":
				_, _ = io.WriteString(w, loginPage)
			default:
				w.WriteHeader(http.StatusNotFound)
			}
		}, false)
		if how, a := Clients(nil)["http"].Ask(t.Context(), dialer, site); how != want || a.Open {
			t.Errorf("%s: %q %+v", page, how, a)
		}
	}
}

// TestBannersAreNoShells: what only ends as a prompt does, or asks for something, opens
// nothing.
func TestBannersAreNoShells(t *testing.T) {
	for name, c := range map[string]struct{ first, again, how string }{
		"a banner before the prompt": {"### no strangers ###", "\r\nlogin: ", ""},
		"a password in other words":  {"Password>", "Password>", ""},
		"a menu that goes on":        {"1) settings >", "2) pictures >", ""},
		"a shell":                    {"/ # ", "\r\n/ # ", "none"},
		"a shell with colours":       {"\x1b[32mcam\x1b[0m$ \x1b[0m", "\r\n\x1b[32mcam\x1b[0m$ \x1b[0m", "none"},
	} {
		at := serve(t, func(c2 net.Conn) {
			_, _ = io.WriteString(c2, c.first)
			for in := bufio.NewScanner(c2); in.Scan(); {
				_, _ = io.WriteString(c2, c.again)
			}
		})
		if how, a := Clients(nil)["telnet"].Ask(t.Context(), dialer, at); how != c.how || a.Open != (how == "none") {
			t.Errorf("%s: %q %+v", name, how, a)
		}
	}
}

// TestMessagesBeforeTheAnswer: a broker may send what it has before it confirms.
func TestMessagesBeforeTheAnswer(t *testing.T) {
	early := serve(t, func(c net.Conn) {
		_, _ = io.ReadFull(c, make([]byte, len(hello("", "", false))))
		_, _ = c.Write([]byte{connack, 2, 0, 0, publish | 1, 5, 0, 1, 'a', 'o', 'n', suback, 3, 0, 1, 0})
		_, _ = io.Copy(io.Discard, c)
	})
	if how, a := Clients(nil)["mqtt"].Ask(t.Context(), dialer, early); how != "none" || !a.Open {
		t.Errorf("%q %+v", how, a)
	}
}

// TestSNMP: a community that works is one that brings the description.
func TestSNMP(t *testing.T) {
	agent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = agent.Close() }()
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := agent.ReadFrom(buffer)
			if err != nil {
				return
			}
			if !strings.Contains(string(buffer[:n]), "public") {
				continue // as agents refuse
			}
			binding := node(0x30, node(0x06, systemDescription), node(0x04, []byte("Linux camera")))
			pdu := node(0xa2, node(0x02, []byte{0x2a}), node(0x02, []byte{0}), node(0x02, []byte{0}), node(0x30, binding))
			_, _ = agent.WriteTo(node(0x30, node(0x02, []byte{1}), node(0x04, []byte("public")), pdu), from)
		}
	}()
	at := netip.MustParseAddrPort(agent.LocalAddr().String())
	for community, want := range map[string]Outcome{"public": Accepted, "private": Silent} {
		if a := (management{}).Try(t.Context(), dialer, at, "", community); a.Outcome != want {
			t.Errorf("%s: %+v", community, a)
		}
	}
}

// TestFormsThatSetAPassword are not tried: with two fields for passwords a form sets
// one.
func TestFormsThatSetAPassword(t *testing.T) {
	for body, want := range map[string]bool{
		loginPage: true,
		`<form><input type=password name=a><input type=password name=b></form>`: false,
		`<form><input type=text name=q></form>`:                                 false,
		`<form><input type=password></form>`:                                    false,
	} {
		if _, found := findForm(page{body: body}); found != want {
			t.Errorf("%s: %v", body, found)
		}
	}
}

// TestConnectingIsNoAnswer: how long an answer took shows whether guessing is slowed
// down, and the wait before each connection does not belong to it.
func TestConnectingIsNoAnswer(t *testing.T) {
	const wait = 300 * time.Millisecond
	slow := func(ctx context.Context, network, address string) (net.Conn, error) {
		<-time.After(wait)
		return dialer(ctx, network, address)
	}
	hasty := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		basic(w, r)
	}
	for service, at := range map[string]netip.AddrPort{
		"http": website(t, hasty, false), "ssh": serve(t, shellServer(t, false)), "mqtt": serve(t, broker(false)), "ftp": serve(t, files),
		"telnet": serve(t, terminal), "rtsp": serve(t, film),
	} {
		if a := Clients(nil)[service].Try(t.Context(), slow, at, ourUser, "adm1n"); a.Outcome != Refused || a.Took >= wait || a.Took <= 0 {
			t.Errorf("%s: %+v", service, a)
		}
	}
}

// TestWhatTheDeviceSaysNeverTellsThePassword: some services repeat it.
func TestWhatTheDeviceSaysNeverTellsThePassword(t *testing.T) {
	parrot := serve(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "220 here\r\n")
		for in := bufio.NewScanner(c); in.Scan(); {
			code := map[bool]string{true: "331", false: "530"}[strings.HasPrefix(in.Text(), "USER")]
			_, _ = io.WriteString(c, code+" wrong: "+in.Text()+"\r\n")
		}
	})
	if a := Clients(nil)["ftp"].Try(t.Context(), dialer, parrot, ourUser, ourSecret); a.Outcome != Refused || strings.Contains(a.Why, ourSecret) {
		t.Errorf("%+v", a)
	}
}
