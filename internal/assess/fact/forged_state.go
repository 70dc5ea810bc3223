package fact

import (
	"fmt"
	"slices"

	"assay/internal/assess/event"
)

// What a flaw must be tried at one destination before refusals settle it: so many
// connections in a row within one boot, and boots in which it was tried.
const (
	forgedRun   = 10
	forgedBoots = 2
)

// forgedKind is a flaw, with the word that its facts carry.
type forgedKind struct{ code, word, what string }

func forgedKinds() []forgedKind {
	return []forgedKind{
		{event.CaseSelfSigned, "self_signed", "a self-signed certificate"},
		{event.CaseUnknownCA, "unknown_ca", "a certificate of an unknown authority"},
		{event.CaseReplacedKey, "replaced_key", "a copy of the genuine certificate with another key"},
		{event.CaseWrongName, "wrong_name", "a public certificate for another name"},
		{event.CaseLeafAsCA, "leaf_as_ca", "a certificate signed by a website's certificate"},
		{event.CaseTLS10, "tls10", "TLS 1.0"},
		{event.CaseTLS11, "tls11", "TLS 1.1"},
	}
}

// forgedVerdict is where one destination stands with one flaw.
type forgedVerdict struct{ key, doc string }

// The standings: of each destination of the device exactly one holds for a flaw.
const (
	forgedAccepted = iota
	forgedUnclear
	forgedShort
	forgedSettled
	forgedUntried
	forgedStandings
)

func forgedVerdicts() [forgedStandings]forgedVerdict {
	return [forgedStandings]forgedVerdict{
		forgedAccepted: {"accepted", "where at least one connection was accepted: the device's Finished was verified and application data of it decrypted"},
		forgedUnclear:  {"unclear", "where nothing was accepted and it is not shown that it never is: a handshake without data, no ServerHello possible, packets missing, or no untouched connection that worked before and after"},
		forgedShort:    {"short", fmt.Sprintf("where every connection was refused, but fewer than %d in a row within one boot, or in fewer than %d boots", forgedRun, forgedBoots)},
		forgedSettled:  {"settled", fmt.Sprintf("where every connection was refused, at least %d in a row within one boot and in at least %d boots, between untouched connections that worked", forgedRun, forgedBoots)},
		forgedUntried:  {"untried", "where it was not tried"},
	}
}

func forgedSchema() []Decl {
	out := []Decl{
		{"forged.destinations", Int, "internet destinations of the device's TLS, at which flawed servers could be tried"},
		{"forged.tried", Int, "of these, destinations at which the box put a flawed server in place of the genuine one at least once"},
		{"forged.unbacked", Int, "connections that the box says it handled and of which the log holds no packets; they do not count"},
		{"forged.beyond_limit", Int, "hellos to destinations beyond those that are told apart"},
		{"forged.unknown_ca_gave_in", Int, "destinations at which a certificate of an unknown authority was accepted after at least one refusal in the same boot"},
		{"forged.unknown_ca_gave_in_names", List, "these destinations, with the number of refusals"},
		{"forged.unknown_ca_run_least", Int, "refusals of it in a row within one boot, at the tried destination with the fewest; unknown when it was not tried"},
		{"forged.unknown_ca_run_most", Int, "the same, at the tried destination with the most"},
		{"forged.wrong_name_proven", Int, "destinations where a refused public certificate for another name is shown to have been trusted but for its name: a handshake without data, or an alert other than those for an unknown authority"},
		{"forged.leaf_as_ca_proven", Int, "destinations where the refusal differs from that of an unknown authority"},
	}
	for _, k := range forgedKinds() {
		out = append(out, Decl{"forged." + k.word + "_attempts", Int, "connections that met " + k.what})
		for _, v := range forgedVerdicts() {
			key := "forged." + k.word + "_" + v.key
			out = append(out,
				Decl{key, Int, "of forged.destinations with " + k.what + ", those " + v.doc},
				Decl{key + "_names", List, "these destinations, with what there is to say"})
		}
	}
	return out
}

func (l *forgedLens) state(_ *world, out *Sheet) {
	var all, tried Because
	for _, end := range l.order {
		d := l.dests[end]
		all.Add(d.first)
		if d.flawed {
			tried.Add(d.first)
		}
	}
	out.Int("forged.destinations", all.Seen(), all)
	out.Int("forged.tried", tried.Seen(), tried)
	out.Int("forged.unbacked", l.unbacked.Seen(), l.unbacked)
	out.Int("forged.beyond_limit", l.beyond.Seen(), l.beyond)
	for _, k := range forgedKinds() {
		l.stateCase(k, out)
	}
	l.stateRuns(out)
	l.stateProof("forged.wrong_name_proven", event.CaseWrongName, out)
	l.stateProof("forged.leaf_as_ca_proven", event.CaseLeafAsCA, out)
}

// stateCase writes where the destinations stand with one flaw.
func (l *forgedLens) stateCase(k forgedKind, out *Sheet) {
	var names [forgedStandings][]string
	var why [forgedStandings]Because
	attempts := 0
	var tries Because
	for _, end := range l.order {
		d := l.dests[end]
		c := d.cases[k.code]
		v, detail := d.standing(k.code, c)
		name := end.String()
		if detail != "" {
			name += " (" + detail + ")"
		}
		names[v] = append(names[v], name)
		if c == nil {
			why[v].Add(d.first)
			continue
		}
		attempts += c.tried
		tries.Join(c.because)
		why[v].Join(c.because)
	}
	out.Int("forged."+k.word+"_attempts", attempts, tries)
	for v, decl := range forgedVerdicts() {
		slices.Sort(names[v])
		key := "forged." + k.word + "_" + decl.key
		out.Int(key, len(names[v]), why[v])
		out.List(key+"_names", names[v], why[v])
	}
}

// standing says where a destination stands with one flaw, and what there is to say.
func (d *forgedDest) standing(code string, c *forgedCase) (int, string) {
	old := code == event.CaseTLS10 || code == event.CaseTLS11
	switch {
	case c == nil:
		return forgedUntried, ""
	case c.accepted > 0:
		return forgedAccepted, fmt.Sprintf("at try %d of %d", c.firstAccepted, c.tried)
	case old:
		return d.standingOld(c)
	case d.unclear(c) != "":
		return forgedUnclear, d.unclear(c)
	case c.longest < forgedRun || len(c.boots) < forgedBoots:
		return forgedShort, fmt.Sprintf("%s in a row, %s", plural(c.longest, "refusal"), plural(len(c.boots), "boot"))
	default:
		return forgedSettled, fmt.Sprintf("%s in %s", plural(c.refused, "refusal"), plural(len(c.boots), "boot"))
	}
}

// standingOld is standing for an old version: what counts is whether the device
// went on after the ServerHello, and once is enough.
func (d *forgedDest) standingOld(c *forgedCase) (int, string) {
	switch {
	case c.completed > 0:
		return forgedAccepted, "the handshake was completed"
	case c.pastHello > 0:
		return forgedAccepted, "it judged the certificate, not the version"
	case d.unclear(c) != "":
		return forgedUnclear, d.unclear(c)
	case c.silent > 0 && d.silentElsewhere():
		return forgedUnclear, "closed without an alert, as it does with any certificate"
	case slices.ContainsFunc(c.alerts, func(a uint8) bool { return !isVersionAlert(a) }):
		return forgedUnclear, "refused with an alert that does not say that it minded the version"
	default:
		return forgedSettled, ""
	}
}

// isVersionAlert says that an alert is about the version that a server chose:
// protocol_version, or illegal_parameter where it was not among those offered
// (RFC 8446 sections 4.2.1 and 6.2). A stack that takes the version and stumbles over
// what follows, such as a signature with SHA-1, sends others.
func isVersionAlert(description uint8) bool { return description == 70 || description == 47 }

// unclear says why refusals do not settle a flaw, or "".
func (d *forgedDest) unclear(c *forgedCase) string {
	switch {
	case c.contradicted > 0:
		return "the packets do not show what was noted"
	case c.completed > 0:
		return "the handshake was completed, but the device sent no data"
	case c.refused == 0 && c.impossible > 0:
		return "no common version, cipher suite and key type"
	case c.refused == 0:
		return "no flawed server could be presented"
	case !d.before || !d.after:
		return "no untouched connection that worked before and after"
	default:
		return ""
	}
}

// silentElsewhere says that the device closes without an alert for a certificate of
// an unknown authority, too, so that silence does not tell what it minded.
func (d *forgedDest) silentElsewhere() bool {
	c := d.cases[event.CaseUnknownCA]
	return c == nil || c.silent > 0
}

// stateRuns tells how often in a row an unknown authority was refused, and where
// the device gave in.
func (l *forgedLens) stateRuns(out *Sheet) {
	var gaveIn []string
	var why, all Because
	least, most := 0, 0
	for _, end := range l.order {
		c := l.dests[end].cases[event.CaseUnknownCA]
		if c == nil {
			continue
		}
		if all.Seen() == 0 || c.longest < least {
			least = c.longest
		}
		most = max(most, c.longest)
		all.Join(c.because)
		if c.accepted > 0 && c.gaveIn > 0 {
			gaveIn = append(gaveIn, fmt.Sprintf("%s (after %s)", end, plural(c.gaveIn, "refusal")))
			why.Join(c.because)
		}
	}
	slices.Sort(gaveIn)
	out.Int("forged.unknown_ca_gave_in", len(gaveIn), why)
	out.List("forged.unknown_ca_gave_in_names", gaveIn, why)
	if all.Seen() > 0 {
		out.Int("forged.unknown_ca_run_least", least, all)
		out.Int("forged.unknown_ca_run_most", most, all)
	}
}

// stateProof counts the destinations where the refusal of a flaw is shown to have
// another reason than an unknown authority.
func (l *forgedLens) stateProof(key, code string, out *Sheet) {
	var proven Because
	for _, end := range l.order {
		d := l.dests[end]
		c, unknown := d.cases[code], d.cases[event.CaseUnknownCA]
		if d.before && d.after && c.neverTaken() && unknown.neverTaken() && c.differs(unknown) {
			proven.Add(c.because.events[len(c.because.events)-1])
		}
	}
	out.Int(key, proven.Seen(), proven)
}

// neverTaken says that no data was sent and that nothing speaks against the record.
func (c *forgedCase) neverTaken() bool {
	return c != nil && c.accepted == 0 && c.contradicted == 0
}

// differs says that the device reacts otherwise than to an unknown authority: it
// ends the handshake and then sends nothing, or every refusal carries an alert that
// an unknown authority never gets.
func (c *forgedCase) differs(unknown *forgedCase) bool {
	if unknown.completed > 0 {
		return false
	}
	if c.completed > 0 {
		return true
	}
	if len(c.alerts) == 0 || c.silent > 0 || len(unknown.alerts) == 0 {
		return false
	}
	return !slices.ContainsFunc(c.alerts, func(a uint8) bool { return slices.Contains(unknown.alerts, a) })
}

// plural writes a count with its word.
func plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return fmt.Sprintf("%d %s", n, word)
}
