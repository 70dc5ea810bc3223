package event

import (
	"fmt"
)

// HTTPRequest is one HTTP/1 request in clear. Device is the client.
type HTTPRequest struct {
	Method      string
	Host        string
	Target      string // request target, at most 1 KiB; query values stay here, credentials are cut out
	UserAgent   string
	ContentType string
	// AuthScheme is the scheme of Authorization in lower case, "" when absent.
	AuthScheme string
	BodyBytes  int // Content-Length, or bytes seen for chunked bodies
	// HeaderNames lists the header field names in lower case, in order.
	HeaderNames []string
	// Upgrade is the Upgrade header in lower case ("websocket").
	Upgrade string
}

// HTTPResponse is one HTTP/1 response in clear. Device is the client.
type HTTPResponse struct {
	Status      int
	Server      string
	ContentType string
	Location    string
	// AuthSchemes and Realm are of WWW-Authenticate.
	AuthSchemes []string
	Realm       string
	SetsCookie  bool
	BodyBytes   int64 // Content-Length, -1 when not told
	// Body is what the first bytes are, by their magic: "html", "json", "elf",
	// "gzip", "zip", "jpeg", "uimage", "squashfs", "crau", "der-crl", "ocsp", ...
	Body string
	// Signature names a signature block recognised at the body's beginning
	// ("pkcs7", "crau", "swupdate", "pgp", "minisign"), else "".
	Signature string
	// LoginForm says that the page has a password field.
	LoginForm bool
	// Method, Host and Target repeat the request this answers; empty when unseen.
	Method, Host, Target string
}

// Login is a credential readable on the wire. Device is the client that sent it.
type Login struct {
	// Service is "http", "ftp", "telnet", "mqtt", "rtsp", "snmp", "smtp", "pop3",
	// "imap", "sip", "socks" or "coap".
	Service string
	Scheme  LoginScheme
	User    string
	Secret  Secret // empty for challenge schemes
	// Outcome is what the server said, where it was seen.
	Outcome LoginOutcome
	// Where is the realm, URL path, topic or form action, for the reader.
	Where string
}

// LoginScheme is how a credential travelled.
type LoginScheme uint8

// The login schemes.
const (
	LoginPlain     LoginScheme = iota // readable as it is or after Base64
	LoginDigest                       // HTTP or RTSP Digest, APOP
	LoginChallenge                    // CRAM-MD5, NTLM, SCRAM and their like
	LoginToken                        // bearer token or API key
)

// String is the scheme's name.
func (s LoginScheme) String() string {
	return [...]string{"plain", "digest", "challenge", "token"}[min(int(s), 3)]
}

// LoginOutcome is what came of a login.
type LoginOutcome uint8

// The outcomes of a login.
const (
	OutcomeUnseen LoginOutcome = iota
	OutcomeAccepted
	OutcomeRefused
)

// String is one word.
func (o LoginOutcome) String() string {
	return [...]string{"unseen", "accepted", "refused"}[min(int(o), 2)]
}

// LoginAnswered is the server's word on an earlier Login of the same
// conversation, when it comes in a later frame.
type LoginAnswered struct {
	Service string
	Outcome LoginOutcome
	Login   Ref // the frame of the Login
}

// ServiceBanner is what a service says first, in clear. Device is the client,
// Peer the host that runs the service.
type ServiceBanner struct {
	Service string // "ssh", "ftp", "telnet", "smtp", "pop3", "imap", "rtsp", ...
	Text    string // at most 256 bytes
}

// Exposed is something personal or secret that was readable in a clear
// conversation.
type Exposed struct {
	Kind ExposedKind
	From Side
	// Sample is what was found, never shown; Shown is what may be shown of it (for
	// a MAC address the address, for a JWT its algorithm), "" when nothing may.
	Sample Secret
	Shown  string
}

// ExposedKind is what kind of data was readable.
type ExposedKind string

// The kinds of exposed data.
const (
	ExposedMAC      ExposedKind = "own MAC address"
	ExposedEmail    ExposedKind = "e-mail address"
	ExposedGeo      ExposedKind = "geographic position"
	ExposedJWT      ExposedKind = "JSON Web Token"
	ExposedKey      ExposedKind = "API key or token"
	ExposedCookie   ExposedKind = "session cookie"
	ExposedJPEG     ExposedKind = "JPEG image"
	ExposedH264     ExposedKind = "H.264 or H.265 video"
	ExposedRTP      ExposedKind = "RTP media"
	ExposedSerial   ExposedKind = "serial number"
	ExposedWiFi     ExposedKind = "Wi-Fi name or key"
	ExposedCanary   ExposedKind = "planted canary"
	ExposedPersonal ExposedKind = "personal name"
)

func (HTTPRequest) body()   {}
func (HTTPResponse) body()  {}
func (Login) body()         {}
func (LoginAnswered) body() {}
func (ServiceBanner) body() {}
func (Exposed) body()       {}

// Describe is one line for a report.
func (b HTTPRequest) Describe() string {
	return fmt.Sprintf("HTTP request in clear: %s %s%s", Clean(b.Method), Clean(b.Host), Clean(b.Target))
}

// Describe is one line for a report.
func (b HTTPResponse) Describe() string {
	return fmt.Sprintf("HTTP response in clear: %d, type %q, %d bytes", b.Status, Clean(b.ContentType), b.BodyBytes)
}

// Describe is one line for a report.
func (b Login) Describe() string {
	return fmt.Sprintf("%s login in clear: scheme %s, user %q, %s, outcome %s",
		b.Service, b.Scheme, Clean(b.User), b.Secret, b.Outcome)
}

// Describe is one line for a report.
func (b LoginAnswered) Describe() string { return b.Service + " login " + b.Outcome.String() }

// Describe is one line for a report.
func (b ServiceBanner) Describe() string { return b.Service + " banner: " + Clean(b.Text) }

// Describe is one line for a report.
func (b Exposed) Describe() string {
	if b.Shown == "" {
		return string(b.Kind) + " readable in clear"
	}
	return string(b.Kind) + " readable in clear: " + Clean(b.Shown)
}
