package event

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
)

// Secret is a password, token or community string that was readable on the
// wire. It can be compared and digested; it cannot be printed or marshalled.
type Secret struct{ text string }

// NewSecret wraps a secret as soon as it is parsed.
func NewSecret(text string) Secret { return Secret{text: text} }

// Len is the secret's length in bytes.
func (s Secret) Len() int { return len(s.text) }

// Is reports whether the secret is exactly text.
func (s Secret) Is(text string) bool { return s.text == text }

// Reveal returns the secret itself, for tests of relation (is it the device's
// own serial number?). Nothing that Reveal returned may reach a report.
func (s Secret) Reveal() string { return s.text }

// Digest is the first 16 hexadecimal digits of SHA-256(salt || secret). The salt
// is the evidence's own digest, so that the same evidence gives the same report
// and the same secret in two logs gives two digests.
func (s Secret) Digest(salt []byte) string {
	h := sha256.New()
	h.Write(salt)
	h.Write([]byte(s.text))
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// String hides the secret and tells its length.
func (s Secret) String() string { return "[secret of " + strconv.Itoa(len(s.text)) + " bytes]" }

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText always fails: a secret is never written anywhere.
func (s Secret) MarshalText() ([]byte, error) {
	return nil, errors.New("cannot write a secret: use Digest and Len")
}
