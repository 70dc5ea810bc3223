package fact

import (
	"slices"
	"strings"

	"assay/internal/assess/event"
)

// probeOffers are the kinds of offers that a service must refuse before its settings
// count as modern.
type probeOffers struct {
	old, phaseOut, static, broken bool
}

func (o probeOffers) all() bool { return o.old && o.phaseOut && o.static && o.broken }

// isOldHello says that a hello offers nothing newer than TLS 1.1.
func isOldHello(h event.ClientHello) bool { return h.MaxVersion() < 0x0303 }

// refuse notes that a service said no to all that a hello offers.
func (o *probeOffers) refuse(h event.ClientHello) {
	if isOldHello(h) {
		o.old = true
		return
	}
	for _, suite := range h.Suites {
		o.refuseSuite(suite)
	}
}

func (o *probeOffers) refuseSuite(suite uint16) {
	if event.IsSuiteSignal(suite) {
		return
	}
	switch rankSuite(suite) {
	case suitePhaseOut:
		o.phaseOut = true
	case suiteStatic:
		o.static = true
	case suiteBroken:
		o.broken = true
	case suiteGood, suiteSufficient, suiteSharedKey, suiteUnrated:
	}
}

// probeTLS is what the handshakes with one service show.
type probeTLS struct {
	chosen             int
	poor, phase, other []string // what it chose: insufficient, to phase out, not rated
	settled            probeOffers
	refusals           []event.ClientHello // closed without a word, since the last choice
}

// tlsOf judges the handshakes with a service, in order. A close without a word counts
// as a refusal only when the service chose something afterwards: before, it may have
// had enough of the questions.
func tlsOf(s *probeService) probeTLS {
	var p probeTLS
	for _, t := range s.talks {
		switch {
		case t.tls == nil:
		case t.tls.chosen:
			p.choose(t.tls)
		case t.heard():
			p.settled.refuse(t.tls.hello)
		case t.closed:
			p.refusals = append(p.refusals, t.tls.hello)
		}
	}
	return p
}

func (p *probeTLS) choose(c *tlsConn) {
	p.chosen++
	for _, h := range p.refusals {
		p.settled.refuse(h)
	}
	p.refusals = nil
	r, word := c.rank()
	switch r {
	case suiteStatic, suiteBroken:
		p.poor = append(p.poor, word)
	case suitePhaseOut, suiteSharedKey:
		p.phase = append(p.phase, word)
	case suiteUnrated:
		p.other = append(p.other, word)
	case suiteGood, suiteSufficient:
	}
	p.chooseMore(c)
	if isOldHello(c.hello) || c.version() < 0x0303 {
		p.settled.old = true // what was chosen need not be refused any more
	} else {
		p.settled.refuseSuite(c.choice.Suite)
	}
}

// chooseMore rates what goes with the suite: the hash of the server's signature, the
// group, and the extended master secret, which only TLS 1.2 and older need (RFC 7627).
func (p *probeTLS) chooseMore(c *tlsConn) {
	if h := signatureHash(c.keys.SigAlg); c.keys.SigAlg != 0 && h != "" {
		p.phase = append(p.phase, "signs with "+h)
	}
	if c.choice.Group != 0 && rankGroup(c.choice.Group) == groupWeak {
		p.phase = append(p.phase, "a weak key exchange group")
	}
	if c.hello.EMS && !c.choice.EMS && c.version() == 0x0303 {
		p.phase = append(p.phase, "no extended master secret")
	}
}

func (v *probeView) stateTLS(out *Sheet) {
	var all, poor, phase, other, short, mute some
	for _, s := range v.order {
		p := tlsOf(s)
		if p.chosen == 0 {
			if s.isMuteTLS() {
				mute.add(s, "")
			}
			continue
		}
		all.add(s, "")
		poor.addAll(s, p.poor)
		phase.addAll(s, p.phase)
		other.addAll(s, p.other)
		if !p.settled.all() {
			short.add(s, p.settled.missing())
		}
	}
	all.state(out, "probe.tls_services")
	poor.state(out, "probe.tls_insufficient")
	phase.state(out, "probe.tls_phase_out")
	other.state(out, "probe.tls_unrated")
	short.state(out, "probe.tls_unsettled")
	mute.state(out, "probe.tls_mute")
}

// isMuteTLS says that a service should speak TLS, by what a note calls it, and answered
// no hello.
func (s *probeService) isMuteTLS() bool {
	asked := slices.ContainsFunc(s.talks, func(t *probeTalk) bool { return t.tls != nil })
	return asked && slices.Contains([]string{"tls", "https", "mqtts", "rtsps", "wss", "ftps", "coaps"}, s.told)
}

// addAll adds a service of which there is something to say.
func (c *some) addAll(s *probeService, details []string) {
	if len(details) > 0 {
		c.add(s, strings.Join(sortedUnique(details), ", "))
	}
}

// missing names the kinds of offers that were not answered.
func (o probeOffers) missing() string {
	var out []string
	for _, k := range []struct {
		done bool
		word string
	}{
		{o.old, "TLS 1.0 and 1.1"}, {o.phaseOut, "suites to phase out"},
		{o.static, "suites without forward secrecy"}, {o.broken, "broken suites"},
	} {
		if !k.done {
			out = append(out, k.word)
		}
	}
	return "not settled: " + strings.Join(out, ", ")
}

// statedOtherKeys names the public keys of another unit.
const statedOtherKeys = "other-unit-keys"

// stateKeys compares the public keys of the device with those of another unit.
func (v *probeView) stateKeys(w *world, out *Sheet) {
	var keys, shared []string
	var why, whyShared Because
	other, said := otherKeys(w.closing.Statements[statedOtherKeys])
	for _, s := range v.order {
		for _, k := range s.keys {
			keys = append(keys, s.probePort.String()+" "+k)
			why.Join(s.door.because)
			if other[k] {
				shared = append(shared, s.probePort.String()+" "+k)
				whyShared.Join(s.door.because)
			}
		}
	}
	out.Bool("statement.other_keys", said, Because{})
	out.Int("probe.keys", len(sortedUnique(keys)), why)
	out.List("probe.keys_list", sortedUnique(keys), why)
	out.Int("probe.keys_shared", len(sortedUnique(shared)), whyShared)
	out.List("probe.keys_shared_list", sortedUnique(shared), whyShared)
	v.pick(func(s *probeService) bool { return (s.handshakes() || s.name == "ssh") && len(s.keys) == 0 }).state(out, "probe.keys_unseen")
}

// otherKeys reads digests separated by commas; with anything else among them it says
// nothing.
func otherKeys(list string) (map[string]bool, bool) {
	out := map[string]bool{}
	for k := range strings.SplitSeq(list, ",") {
		k = strings.ToLower(strings.TrimSpace(k))
		if !isDigest(k) {
			return nil, false
		}
		out[k] = true
	}
	return out, true
}
