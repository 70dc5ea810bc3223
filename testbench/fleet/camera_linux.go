package fleet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"image"
	"image/jpeg"
	"math/big"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// guard keeps the login of a careful page: a password that no other unit has, and a
// rest after a few wrong ones.
type guard struct {
	password [sha256.Size]byte
	mu       sync.Mutex
	wrong    int
	until    time.Time
}

const (
	wrongMost = 4
	restFor   = 5 * time.Minute
)

// check says whether the login is right, and how long nobody may try again.
func (g *guard) check(user, password string, now time.Time) (right bool, rest time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Before(g.until) {
		return false, g.until.Sub(now)
	}
	given := sha256.Sum256([]byte(password))
	if subtle.ConstantTimeCompare(given[:], g.password[:]) == 1 && user == "owner" {
		g.wrong = 0
		return true, 0
	}
	if g.wrong++; g.wrong >= wrongMost {
		g.wrong, g.until = 0, now.Add(restFor)
		return false, restFor
	}
	return false, 0
}

const loginForm = `<!DOCTYPE html><html lang="en"><title>Camera</title><h1>Camera</h1><p>%s</p>
<form method="post" action="/login"><label>Name <input name="username" autocomplete="username"></label>
<label>Password <input type="password" name="password" autocomplete="current-password"></label><button>Log in</button></form></html>
`

// ServeHTTP shows a form to whoever has not logged in, and nothing else.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	words := "The password is on the label of your unit."
	switch {
	case r.URL.Path == "/login" && r.Method == http.MethodPost:
		user, password := credentials(r)
		right, rest := g.check(user, password, time.Now())
		switch {
		case right:
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		case rest > 0:
			w.Header().Set("Retry-After", fmt.Sprint(int(rest.Seconds())))
			w.WriteHeader(http.StatusTooManyRequests)
			words = "Too many attempts: the login is locked for a few minutes."
		default:
			w.WriteHeader(http.StatusUnauthorized)
			words = "Wrong name or password."
		}
	case r.URL.Path != "/":
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, _ = fmt.Fprintf(w, loginForm, words) // a caller who has gone needs nothing
}

// formLimit bounds what is read of a login, in bytes.
const formLimit = 4 << 10

func credentials(r *http.Request) (user, password string) {
	r.Body = http.MaxBytesReader(nil, r.Body, formLimit)
	if r.ParseForm() != nil {
		return "", ""
	}
	return r.PostForm.Get("username"), r.PostForm.Get("password")
}

// ownCertificate is what a unit makes for itself: a key of its own for a page that
// nobody can vouch for.
func ownCertificate(key *ecdsa.PrivateKey, name string) (tls.Certificate, error) {
	const years = 10
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, err
	}
	t := x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(years, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, &t, &t, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// carefulPage is a page over TLS 1.2 or 1.3 behind a login.
func carefulPage() (door, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return door{}, err
	}
	cert, err := ownCertificate(key, "camera.local")
	if err != nil {
		return door{}, fmt.Errorf("cannot make a certificate: %w", err)
	}
	g := &guard{password: sha256.Sum256([]byte(rand.Text()))}
	return page("443", &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, CipherSuites: strongSuites()}, g), nil
}

// carelessPage is a page in clear: the settings want the factory password, the picture
// wants none.
func carelessPage() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/snapshot.jpg", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg")
		_ = jpeg.Encode(w, picture(), nil) // a caller who has gone needs nothing
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); !ok || u != factoryUser || p != factoryPassword {
			w.Header().Set("Www-Authenticate", `Basic realm="IPCAM"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<html><title>IPCAM</title><h1>Settings</h1><form action="/reboot"><input name="ssid" value="home"></form></html>`)
	})
	return mux
}

// picture is what the camera sees: a test card.
func picture() image.Image {
	const width, height, band = 320, 240, 16
	out := image.NewGray(image.Rect(0, 0, width, height))
	for i := range out.Pix {
		x, y := i%width, i/width
		out.Pix[i] = byte(x ^ y/band*band) //nolint:gosec // brightness wraps around
	}
	return out
}

// form is a body of readings.
func form(pairs ...string) []byte {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return []byte(v.Encode())
}
