package fact_test

import (
	"testing"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

// TestProtectionOfTLS: an onlooker reads what a NULL cipher carries, and a handshake
// that was refused protected nothing.
func TestProtectionOfTLS(t *testing.T) {
	refusal := event.TLSAlert{From: event.FromClient, Level: 2, Description: 48}
	hello := hello12("a.example")
	for name, c := range map[string]struct {
		talks []handshake
		want  fact.Protection
	}{
		"completed":             {[]handshake{talk(tlsCloud, hello, choice(0x0303, 0xc02f), done12(), ended())}, fact.ProtectionEncrypted},
		"completed in 1.3":      {[]handshake{talk(tlsCloud, hello13("a.example"), choice(0x0304, 0x1301), done13(), ended())}, fact.ProtectionEncrypted},
		"refused":               {[]handshake{talk(tlsCloud, hello, choice(0x0303, 0xc02f), refusal, ended())}, fact.ProtectionRefused},
		"refused in 1.3":        {[]handshake{talk(tlsCloud, hello13("a.example"), choice(0x0304, 0x1301), refusal, ended())}, fact.ProtectionRefused},
		"refused by the server": {[]handshake{talk(tlsCloud, hello, event.TLSAlert{From: event.FromServer, Level: 2, Description: 40}, ended())}, fact.ProtectionRefused},
		"refused, then not":     {[]handshake{talk(tlsCloud, hello, choice(0x0303, 0xc02f), refusal, ended()), talk(tlsCloud, hello, choice(0x0303, 0xc02f), done12(), ended())}, fact.ProtectionEncrypted},
		"NULL cipher":           {[]handshake{talk(tlsCloud, hello, choice(0x0303, 0x003b), done12(), ended())}, fact.ProtectionClear},
		"NULL cipher of 1.3":    {[]handshake{talk(tlsCloud, hello13("a.example"), choice(0x0304, 0xc0b4), done13(), ended())}, fact.ProtectionClear},
		"NULL cipher, refused":  {[]handshake{talk(tlsCloud, hello, choice(0x0303, 0x003b), refusal, ended())}, fact.ProtectionRefused},
		"begun before the log":  {[]handshake{talk(tlsCloud, done12(), ended())}, fact.ProtectionEncrypted},
	} {
		list, _ := tlsObserver(c.talks...).Destinations(sceneDevice)
		if len(list) != 1 || list[0].Protection != c.want {
			t.Errorf("%s: %+v, want one that is %s", name, list, c.want)
		}
	}
}

// TestANullCipherIsReadable: what TLS carries without encryption counts as readable.
func TestANullCipherIsReadable(t *testing.T) {
	wantInts(t, tlsSheet(talk(tlsCloud, hello12("a.example"), choice(0x0303, 0x003b), done12(), ended())),
		map[string]int64{"clear.plain": 1, "clear.encrypted": 0})
	wantInts(t, tlsSheet(talk(tlsCloud, hello12("a.example"), choice(0x0303, 0xc02f), done12(), ended())),
		map[string]int64{"clear.plain": 0, "clear.encrypted": 1})
}
