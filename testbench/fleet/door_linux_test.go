package fleet

import (
	"bufio"
	"crypto/sha256"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"assay/rules"
)

func TestEachDeviceHasTraits(t *testing.T) {
	for _, d := range All() {
		got, err := traitsOf(d)
		if err != nil || len(got.errands) < 4 {
			t.Errorf("%s does %d things, %v", d.Name, len(got.errands), err)
		}
	}
	if _, err := traitsOf(Device{Name: "toaster"}); err == nil {
		t.Error("a toaster has traits")
	}
}

// TestTheFactoryPasswordIsAKnownOne: what the careless camera takes must be in the list
// that the gateway tries.
func TestTheFactoryPasswordIsAKnownOne(t *testing.T) {
	text, err := fs.ReadFile(rules.FS, "credentials/generic.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "user: '"+factoryUser+"', secret: '"+factoryPassword+"'") {
		t.Error("the list has no such pair")
	}
}

func get(h http.Handler, change func(*http.Request), method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTheCarelessPage(t *testing.T) {
	h := carelessPage()
	if got := get(h, nil, "GET", "/", ""); got.Code != http.StatusUnauthorized || !strings.HasPrefix(got.Header().Get("Www-Authenticate"), "Basic") {
		t.Errorf("without a password: %d", got.Code)
	}
	right := func(r *http.Request) { r.SetBasicAuth(factoryUser, factoryPassword) }
	if got := get(h, right, "GET", "/", ""); got.Code != http.StatusOK {
		t.Errorf("with the factory password: %d", got.Code)
	}
	wrong := func(r *http.Request) { r.SetBasicAuth(factoryUser, "something else") }
	if got := get(h, wrong, "GET", "/", ""); got.Code != http.StatusUnauthorized {
		t.Errorf("with a wrong password: %d", got.Code)
	}
	got := get(h, nil, "GET", "/snapshot.jpg", "")
	const icon = 2048
	if picture := got.Body.String(); got.Code != http.StatusOK || len(picture) <= icon || !strings.HasPrefix(picture, "\xff\xd8") {
		t.Errorf("the picture: %d, %d bytes", got.Code, len(picture))
	}
}

func TestTheCarefulPageRestsAfterWrongPasswords(t *testing.T) {
	g := &guard{password: sha256.Sum256([]byte("from the label"))}
	try := func(password string) int {
		return get(g, nil, "POST", "/login", url.Values{"username": {"owner"}, "password": {password}}.Encode()).Code
	}
	if got := get(g, nil, "GET", "/", ""); got.Code != http.StatusOK {
		t.Errorf("the form: %d", got.Code)
	}
	if got := get(g, nil, "GET", "/config", ""); got.Code != http.StatusUnauthorized {
		t.Errorf("another page: %d", got.Code)
	}
	if got := try("from the label"); got != http.StatusSeeOther {
		t.Errorf("the right password: %d", got)
	}
	for i := range wrongMost {
		want := http.StatusUnauthorized
		if i == wrongMost-1 {
			want = http.StatusTooManyRequests
		}
		if got := try("admin"); got != want {
			t.Errorf("wrong password %d: %d, want %d", i+1, got, want)
		}
	}
	if got := try("from the label"); got != http.StatusTooManyRequests {
		t.Errorf("the right password while it rests: %d", got)
	}
}

func TestTheCarefulPageOpensAgain(t *testing.T) {
	g := &guard{password: sha256.Sum256([]byte("from the label"))}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for range wrongMost {
		g.check("owner", "admin", now)
	}
	if right, rest := g.check("owner", "from the label", now.Add(restFor-time.Second)); right || rest != time.Second {
		t.Errorf("a second before the end of the rest: %v, %s", right, rest)
	}
	if right, rest := g.check("owner", "from the label", now.Add(restFor)); !right || rest != 0 {
		t.Errorf("after the rest: %v, %s", right, rest)
	}
}

func TestTelnet(t *testing.T) {
	for name, tc := range map[string]struct{ say, hear string }{
		"the factory password":       {"admin\r\nadmin\r\nexit\r\n", "# "},
		"with commands of Telnet":    {"\xff\xfd\x01\xff\xfd\x03admin\r\n\xff\xfc\x01admin\r\n", "# "},
		"a wrong one":                {"admin\r\nroot\r\n", "Login incorrect"},
		"a line without an end":      {strings.Repeat("a", 10*lineMost), "login: "},
		"a command that is cut off":  {"\xff\r\n\xff\xfd\r\n", "Login incorrect"},
		"somebody who hangs up soon": {"", "login: "},
	} {
		t.Run(name, func(t *testing.T) {
			here, there := net.Pipe()
			heard := make(chan string, 1)
			go func() {
				text, _ := io.ReadAll(here) // until the other end hangs up
				heard <- string(text)
			}()
			go func() {
				_, _ = io.WriteString(here, tc.say) // it may hang up before the end
				_ = here.SetDeadline(time.Now().Add(time.Second / 2))
			}()
			_ = there.SetDeadline(time.Now().Add(5 * time.Second))
			_ = login(there, "IPCAM", factoryUser, factoryPassword) // whatever ends it
			_ = there.Close()
			if got := <-heard; !strings.Contains(got, tc.hear) {
				t.Errorf("it said %q", got)
			}
			_ = here.Close()
		})
	}
}

func TestMQTTPackets(t *testing.T) {
	got := account{client: "c", user: "u", password: "p"}.connect()
	// MQTT 3.1.1, figure 3.6: protocol name and level, flags, keep alive; then the payload.
	want := "\x10\x13\x00\x04MQTT\x04\xc2\x00\x1e\x00\x01c\x00\x01u\x00\x01p"
	if string(got) != want {
		t.Errorf("CONNECT is %q, want %q", got, want)
	}
	if got := packet(mqttPublish, make([]byte, 321)); got[1] != 0xc1 || got[2] != 0x02 { // section 2.2.3: 321 is C1 02
		t.Errorf("the length of 321 is % x", got[1:3])
	}
}

func TestAMQTTConversation(t *testing.T) {
	for name, tc := range map[string]struct {
		answers string
		fails   bool
	}{
		"a broker":           {"\x20\x02\x00\x00\x40\x02\x00\x01", false},
		"one that refuses":   {"\x20\x02\x00\x05", true},
		"one that hangs up":  {"", true},
		"something else":     {"HTTP/1.1 400 Bad Request\r\n", true},
		"no acknowledgement": {"\x20\x02\x00\x00", true},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			c := struct {
				io.Reader
				io.Writer
			}{bufio.NewReader(strings.NewReader(tc.answers)), &said}
			if err := converse(c, account{client: "c"}, "topic", "21.5"); (err != nil) != tc.fails {
				t.Errorf("error %v", err)
			}
			if !tc.fails && !strings.HasSuffix(said.String(), "\x00\x05topic\x00\x0121.5\xe0\x00") {
				t.Errorf("it said %q", said.String())
			}
		})
	}
}
