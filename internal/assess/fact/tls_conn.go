package fact

import (
	"fmt"
	"strings"

	"assay/internal/assess/event"
)

// tlsConn is one handshake as far as it was seen.
type tlsConn struct {
	ends    forgedEnds
	forged  bool // the box answers in the server's place: its choice says nothing of the service
	dest    tlsEnd
	local   bool
	hello   event.ClientHello
	greeted bool
	choice  event.ServerHello
	chosen  bool
	suite   *event.Event // of the choice
	keys    event.ServerKeyExchange
	leaf    event.Certificate
	leafAt  *event.Event
	psk     *event.Event // with a PSKIdentity
	pskMAC  bool
	changed bool // the client sent ChangeCipherSpec
	app     [2]bool
	early   bool // only data before the ServerHello, or too short to tell
	both    bool // data after both ChangeCipherSpec
	alerted bool // the client sent an alert
	ended   bool // closed or reset
	first   *event.Event
	data    *event.Event // the record that shows the handshake complete
	asked   bool         // the server asked for a certificate
}

func (c *tlsConn) version() uint16 { return event.TLSVersion(c.choice.Version) }

func (c *tlsConn) is13() bool { return c.chosen && c.version() == 0x0304 }

// see takes what follows a hello on the same conversation.
func (c *tlsConn) see(ev *sighting) {
	switch b := ev.Body.(type) {
	case event.ServerHello:
		if !b.Retry {
			c.choice, c.chosen, c.suite = b, true, ev.keep()
		}
	case event.ServerKeyExchange:
		c.keys = b
	case event.Certificates:
		c.seeChain(ev, b)
	case event.CertificateRequested:
		c.asked = true
	case event.PSKIdentity:
		c.psk = ev.keep()
	case event.TLSAppData:
		c.seeData(ev, b)
	default:
		c.seeSignal(b)
	}
}

// seeSignal takes the client's ChangeCipherSpec and alerts.
func (c *tlsConn) seeSignal(b event.Body) {
	switch b := b.(type) {
	case event.TLSKeysChanged:
		c.changed = c.changed || b.From == event.FromClient
	case event.TLSAlert:
		c.alerted = c.alerted || b.From == event.FromClient
	}
}

func (c *tlsConn) seeChain(ev *sighting, b event.Certificates) {
	if b.From == event.FromServer && len(b.Chain) > 0 {
		c.leaf, c.leafAt = b.Chain[0], ev.keep()
	}
}

// byDatagram says that the handshake runs over QUIC or DTLS.
func (c *tlsConn) byDatagram() bool {
	t := c.choice.Transport
	if !c.chosen {
		t = c.hello.Transport
	}
	return t == event.QUIC || t == event.DTLS
}

// seeData notes application data. In TLS 1.3 over TCP a short record of the
// client may be nothing but an alert, and one before the ServerHello is early data.
func (c *tlsConn) seeData(ev *sighting, b event.TLSAppData) {
	if b.From == event.FromClient && !c.byDatagram() {
		if !c.chosen {
			c.early = true
			return
		}
		if c.is13() && b.Length < event.FinishedLimit {
			return
		}
	}
	c.app[b.From] = true
	c.both = c.both || b.AfterBoth
	if c.data == nil || b.From == event.FromClient {
		c.data = ev.keep()
	}
}

// completed says that the handshake was seen to end well.
func (c *tlsConn) completed() bool {
	switch {
	case !c.chosen:
		return false
	case !c.is13():
		return c.both
	case c.byDatagram():
		return c.app[event.FromClient]
	default:
		return c.app[event.FromClient] && c.app[event.FromServer]
	}
}

// refused says that the client did not go along with the server's choice.
func (c *tlsConn) refused() bool {
	if c.is13() {
		return (c.alerted || c.ended) && !c.app[event.FromClient]
	}
	return (c.alerted || c.ended) && !c.changed
}

// rank rates the choice, with the word that the report uses for it.
func (c *tlsConn) rank() (suiteRank, string) {
	name := event.SuiteName(c.choice.Suite)
	if c.version() < 0x0303 {
		return suiteBroken, event.VersionName(c.version())
	}
	r := rankSuite(c.choice.Suite)
	switch {
	case c.is13() && c.choice.PSK && c.choice.Group == 0:
		return max(r, suiteSharedKey), name + " with a pre-shared key alone"
	case c.keys.DHBits > 0 && c.keys.DHBits < 1024:
		return suiteBroken, fmt.Sprintf("%s with %d bits", name, c.keys.DHBits)
	case c.keys.DHBits > 0:
		return r, fmt.Sprintf("%s with %d bits", name, c.keys.DHBits)
	default:
		return r, name
	}
}

// noteUse says what came of the handshake; about names the event it rests on.
func (c *tlsConn) noteUse(tell func(t tlsTrait, about *event.Event, detail string)) {
	if c.forged {
		return
	}
	if c.asked {
		tell(traitClientCert, c.first, "")
	}
	switch {
	case c.completed():
		c.noteCompleted(tell)
	case c.chosen && !c.refused():
		if r, word := c.rank(); r == suiteStatic || r == suiteBroken {
			tell(traitUnsure, c.suite, word)
		}
	case !c.chosen && c.spoke():
		tell(traitUnread, c.first, "")
	}
}

// spoke says that the conversation went on beyond the hello.
func (c *tlsConn) spoke() bool {
	return c.app[event.FromClient] || c.app[event.FromServer] || c.early || c.changed
}

func (c *tlsConn) noteCompleted(tell func(tlsTrait, *event.Event, string)) {
	r, word := c.rank()
	tell(traitCompleted, c.data, "")
	c.noteChoice(r, word, tell)
	c.noteSignature(tell)
	c.noteLeaf(tell)
	if c.pskMAC && rankSuite(c.choice.Suite) == suiteSharedKey {
		tell(traitSharedKeyMAC, c.psk, "")
	}
}

func (c *tlsConn) noteChoice(r suiteRank, word string, tell func(tlsTrait, *event.Event, string)) {
	switch r {
	case suiteStatic, suiteBroken:
		if r == suiteStatic || rankSuite(c.choice.Suite) == suiteStatic {
			tell(traitUsedStatic, c.suite, event.SuiteName(c.choice.Suite))
		}
		tell(traitUsedWeak, c.suite, word)
		if c.greeted { // else nobody knows whose fault it is
			tell(blame(c.hello), c.suite, word)
		}
	case suitePhaseOut, suiteSharedKey:
		tell(traitUsedPhaseOut, c.suite, word)
	case suiteUnrated:
		tell(traitUsedUnrated, c.suite, word)
	case suiteGood, suiteSufficient:
	}
}

// blame says who could have chosen better.
func blame(h event.ClientHello) tlsTrait {
	if offersStrong(h) {
		return traitUsedWeakService
	}
	return traitUsedWeakDevice
}

// noteSignature rates what the server signed with.
func (c *tlsConn) noteSignature(tell func(tlsTrait, *event.Event, string)) {
	if c.keys.SigAlg != 0 && signatureHash(c.keys.SigAlg) != "" {
		tell(traitSHA1, c.suite, "used "+signatureHash(c.keys.SigAlg))
	}
}

// noteLeaf rates the server's certificate, where it travelled in clear.
func (c *tlsConn) noteLeaf(tell func(tlsTrait, *event.Event, string)) {
	if c.leafAt == nil || c.leaf.Bad != "" || !usesCertificate(c.choice.Suite) {
		return
	}
	size := fmt.Sprintf("%s of %d bits", c.leaf.KeyType, c.leaf.KeyBits)
	small, phase := keyLimits(c.leaf.KeyType)
	switch {
	case c.leaf.KeyBits < small:
		tell(traitLeafSmall, c.leafAt, size)
	case c.leaf.KeyBits < phase:
		tell(traitLeafPhaseOut, c.leafAt, size)
	}
	if isOldSignature(c.leaf.SigAlg) && c.leaf.Subject != c.leaf.Issuer {
		tell(traitLeafSHA1, c.leafAt, c.leaf.SigAlg)
	}
}

func isOldSignature(alg string) bool {
	return strings.Contains(alg, "SHA1") || strings.Contains(alg, "MD5")
}

// keyLimits are the sizes below which a key is too small, and to phase out.
func keyLimits(kind string) (small, phaseOut int) {
	switch kind {
	case "RSA", "DSA":
		return 2048, 3072
	case "EC":
		return 224, 256
	default:
		return 0, 0
	}
}

// namesMAC says that a text holds a hardware address, as bytes or in one of the
// usual ways of writing.
func namesMAC(text string, mac [6]byte) bool {
	if strings.Contains(text, string(mac[:])) {
		return true
	}
	plain := strings.NewReplacer(":", "", "-", "", ".", "").Replace(strings.ToLower(text))
	return strings.Contains(plain, fmt.Sprintf("%x", mac[:]))
}
