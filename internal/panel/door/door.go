package door

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/google/renameio/v2"
)

// Config is what a Door is made of.
type Config struct {
	// Open lets everybody in: for loopback alone.
	Open bool
	// Folder is where the key and the sessions are kept; not needed when Open.
	Folder string
	Now    func() time.Time // time.Now when nil
}

// Door lets people in who hold the key.
type Door struct {
	cfg      Config
	token    [sha256.Size]byte
	fresh    string // the key, when it was made just now
	mu       sync.Mutex
	sessions map[string]session // by the SHA-256 of the cookie, in hexadecimal
	written  time.Time          // when the sessions were kept last
	patience time.Duration      // with strangers
	tries    tries
}

// New makes a door. The first time it makes the key.
func New(cfg Config) (*Door, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	d := &Door{cfg: cfg, sessions: map[string]session{}, patience: patience, tries: tries{by: map[netip.Prefix]try{}}}
	if cfg.Open {
		return d, nil
	}
	if err := d.loadToken(); err != nil {
		return nil, err
	}
	return d, d.loadSessions()
}

// loadToken reads the digest of the key; the key itself is kept nowhere.
func (d *Door) loadToken() error {
	file := filepath.Join(d.cfg.Folder, tokenFile)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return d.NewToken()
	}
	if err != nil {
		return fmt.Errorf("cannot read the key of the page: %w", err)
	}
	sum, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(sum) != sha256.Size {
		return fmt.Errorf("cannot read the key of the page: %s is damaged; delete it and the box makes another", file)
	}
	d.token = [sha256.Size]byte(sum)
	return nil
}

// NewToken makes another key; the former one and all sessions are worth nothing then.
func (d *Door) NewToken() error {
	text := rand.Text() // 26 characters of base32: 130 bits
	sum := sha256.Sum256([]byte(text))
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.sessions)
	if err := d.keepSessions(); err != nil { // first: no session may outlive its key, whenever the power goes
		return err
	}
	if err := renameio.WriteFile(filepath.Join(d.cfg.Folder, tokenFile), []byte(hex.EncodeToString(sum[:])+"\n"), private); err != nil {
		return fmt.Errorf("cannot keep the key of the page: %w", err)
	}
	d.token, d.fresh = sum, text
	return nil
}

// Token is the key in groups that can be read aloud, when it was made by this process;
// else it is "", for nobody knows it any more but those who wrote it down.
func (d *Door) Token() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var parts []string
	for rest := d.fresh; rest != ""; {
		n := min(5, len(rest))
		parts = append(parts, rest[:n])
		rest = rest[n:]
	}
	return strings.Join(parts, "-")
}

// Link leads to the page and brings the key along; "" when the key is not known. The
// key stands behind the #, which browsers send to nobody.
func (d *Door) Link(base string) string {
	if t := d.Token(); t != "" {
		return strings.TrimSuffix(base, "/") + "/enter#" + t
	}
	return ""
}

// knows says whether this is the key.
func (d *Door) knows(typed string) bool {
	sum := sha256.Sum256([]byte(strings.Map(plain, typed)))
	d.mu.Lock()
	defer d.mu.Unlock()
	return subtle.ConstantTimeCompare(sum[:], d.token[:]) == 1
}

// plain is a character of a key as it is meant: small letters are as good as capitals,
// and spaces and dashes of every kind, which come along when a key is pasted, are none.
func plain(r rune) rune {
	switch {
	case unicode.IsSpace(r) || unicode.Is(unicode.Pd, r):
		return -1
	case 'a' <= r && r <= 'z':
		return r - 'a' + 'A'
	}
	return r
}

// reasonKey is under which a request carries why it was not let in.
type reasonKey struct{}

// Reason is why a request was not let in, for the page that asks for the key.
func Reason(r *http.Request) string {
	why, _ := r.Context().Value(reasonKey{}).(string)
	return why
}

// enter takes the key.
func (d *Door) enter(w http.ResponseWriter, r *http.Request, login http.Handler) {
	from := prefixOf(r.RemoteAddr)
	if wait := d.tries.take(from, d.cfg.Now()); wait > 0 {
		seconds := int(wait.Seconds()) + 1
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		refuse(w, r, login, http.StatusTooManyRequests, fmt.Sprintf("Too many tries. Wait %d seconds.", seconds))
		return
	}
	if !d.knows(r.PostFormValue("token")) {
		refuse(w, r, login, http.StatusUnauthorized, "That is not the key of this box.")
		return
	}
	d.tries.right(from)
	cookie, _ := d.begin() // a session that cannot be kept lasts until the restart; a full disk must not lock out who makes room
	http.SetCookie(w, cookieOf(r, cookie, int(longest.Seconds())))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// refuse shows the page that asks for the key, or an error to programs.
func refuse(w http.ResponseWriter, r *http.Request, login http.Handler, code int, why string) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = w.Write([]byte("{\"error\": \"no session: open the page and enter the key of the box\"}\n")) // a reader who left needs no answer
		return
	}
	login.ServeHTTP(coded{w, code}, r.WithContext(context.WithValue(r.Context(), reasonKey{}, why)))
}

// coded answers with a code of its own.
type coded struct {
	http.ResponseWriter
	code int
}

func (c coded) WriteHeader(int) { c.ResponseWriter.WriteHeader(c.code) }

// cookieName is bound to this host and to TLS by its prefix (RFC 6265bis, section
// 4.1.3.2); without TLS there is only loopback.
func cookieName(r *http.Request) string {
	if r.TLS != nil {
		return "__Host-assay"
	}
	return "assay"
}

func cookieOf(r *http.Request, value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName(r), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	}
}

// prefixOf is what counts as one place that tries come from: an IPv4 address, or the
// network of an IPv6 address.
func prefixOf(remote string) netip.Prefix {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	a, bits := at.Addr().Unmap().WithZone(""), 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// own says whether a request to an open door is for this machine by a name that only
// this machine has: another page's name that leads here is a trick (DNS rebinding). A
// door with a key needs no such care, for a cookie goes to the name it came from and
// nobody else's name stands in the certificate.
func own(r *http.Request, open bool) bool {
	if !open {
		return true
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return a.IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}

// base is the address of a page at a socket.
func base(scheme string, at net.Addr) string {
	return (&url.URL{Scheme: scheme, Host: at.String()}).String()
}
