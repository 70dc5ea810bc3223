package grade

import (
	"fmt"
	"strings"

	"assay/internal/assess/fact"
	"assay/internal/assess/rule"
)

// The checks that place a device on the DNSSEC ladder.
const (
	checkOwn      = "DS-01" // the device itself refuses forged answers
	checkWhole    = "DS-04" // and refuses them whatever is wrong with their signatures
	checkResolver = "DS-06" // it uses the resolver the network gives it
	checkAlarm    = "DS-08" // it respects the resolver's DNSSEC alarm
	checkPrivate  = "DN-03" // it uses private DNS that the network offers, authenticated
)

// Rung is a step on a ladder.
type Rung struct {
	Code  string // "D0" to "D3" or "I0" to "I5"; "" when it is not known
	Text  string // what the step means
	Why   string // what it rests on, with remarks; why it is not known
	Needs string // what an answer or the next step would take
	Blame string // IPv6 only: DEVICE, SERVICE or NETWORK, "" when nothing is in the way
}

// Rungs are the steps on the two ladders that say how far a device goes.
type Rungs struct{ DNSSEC, IPv6 Rung }

// Ladders places a device on both ladders. A nil sheet is an empty one.
func Ladders(findings []rule.Finding, sheet *fact.Sheet) Rungs {
	return Rungs{DNSSEC: dnssecRung(index(findings)), IPv6: ipv6Rung(sheet)}
}

// dnssecRung finds the step from the verdicts. D1 needs a proven "does not
// validate": while that is open, the device may stand on D3.
func dnssecRung(byCheck map[string]rule.Finding) Rung {
	own, resolver := byCheck[checkOwn].Verdict, byCheck[checkResolver].Verdict
	alarm, private := byCheck[checkAlarm].Verdict, byCheck[checkPrivate].Verdict
	switch {
	case own == rule.Pass:
		return validating(byCheck[checkWhole].Verdict)
	case resolver == rule.Fail:
		return roundabout("It asks a resolver that the network did not give it (DS-06).")
	case alarm == rule.Fail:
		return roundabout("It looked for another answer after the resolver's DNSSEC alarm (DS-08).")
	case private == rule.Pass && resolver == rule.Pass:
		return Rung{Code: "D2", Text: "The device relies on an authenticated, encrypted channel to your validating resolver.",
			Why:   "It used and authenticated the private DNS that the network offered (DN-03, DS-06).",
			Needs: "For D3 the device must validate answers itself (DS-01)."}
	case own == rule.Fail && resolver == rule.Pass:
		return relying(alarm)
	default:
		return unplaced(own, resolver)
	}
}

// validating is D3; a check with holes is one all the same, but whoever reads of the
// step must read of them too.
func validating(whole rule.Verdict) Rung {
	out := Rung{Code: "D3", Text: "The device validates DNSSEC itself.",
		Why: "It refused forged answers in the experiment (DS-01)."}
	if whole == rule.Fail || whole == rule.Partial {
		out.Text = "The device validates DNSSEC itself, but its check has holes."
		out.Why = "It refused answers with a damaged signature (DS-01), but used others that it should have refused (DS-04)."
		out.Needs = "Its step holds only when it refuses answers whatever is wrong with their signatures (DS-04)."
	}
	return out
}

func roundabout(why string) Rung {
	return Rung{Code: "D0", Text: "The device goes its own way: a validating resolver of yours does not protect it.", Why: why,
		Needs: "For D1 the device must use the resolver that the network gives it and respect its alarms (DS-06, DS-08)."}
}

// relying is D1, with the remark that the alarm was not tried when it was not.
func relying(alarm rule.Verdict) Rung {
	out := Rung{Code: "D1", Text: "The device relies on your resolver, over an unprotected channel.",
		Why:   "It does not validate answers itself (DS-01) and uses the resolver that the network gives it (DS-06).",
		Needs: "For D2 the device must use private DNS to your resolver and check its certificate (DN-03); for D3 it must validate itself (DS-01)."}
	switch alarm {
	case rule.Pass:
		out.Why += " It respects the resolver's DNSSEC alarm (DS-08)."
	case rule.Partial:
		out.Why += " It respects the resolver's DNSSEC alarm only in part (DS-08)."
	default:
		out.Why += " Whether it respects the resolver's DNSSEC alarm was not shown (DS-08)."
	}
	return out
}

func unplaced(own, resolver rule.Verdict) Rung {
	out := Rung{Text: "The step on the DNSSEC ladder is not known.",
		Needs: "A verdict on DS-01 and DS-06, and on DS-08 for the remark on alarms."}
	switch {
	case own == rule.NotApplicable:
		out.Why = "The device asked no DNS question (DS-01), so the ladder does not apply."
	case own == rule.Partial:
		out.Why = "The device validates only in part (DS-01)."
	case isOpen(own):
		out.Why = "It is open whether the device validates answers itself (DS-01: " + own.String() + ")."
	default:
		out.Why = "The device does not validate answers itself (DS-01), and it is open whether it keeps to your resolver (DS-06: " +
			resolver.String() + ")."
	}
	return out
}

// ipv6Rung reads the step that the facts state.
func ipv6Rung(sheet *fact.Sheet) Rung {
	code := text(sheet, "ipv6.ladder")
	meaning := map[string]string{
		"I0": "The device sent no IPv6 packet.",
		"I1": "The device uses IPv6 only on the local link.",
		"I2": "The device has a global IPv6 address and asks DNS over IPv6.",
		"I3": "The device exchanges data with the internet over IPv6 where IPv4 is there too.",
		"I4": "The device reaches the same essential destinations on a network with IPv6 only.",
		"I5": "The device works on a network with IPv6 only, as the operator confirmed.",
	}[code]
	if meaning == "" {
		return ipv6Unplaced(sheet)
	}
	return Rung{Code: code, Text: meaning, Why: ipv6Why(code, sheet), Blame: text(sheet, "ipv6.blame"),
		Needs: map[string]string{
			"I0": "For I1 the device must send IPv6 packets on a network that offers IPv6.",
			"I1": "For I2 the device must take a global IPv6 address and ask DNS over IPv6.",
			"I2": "For I3 the device must exchange data over IPv6 with destinations that have IPv6 addresses.",
			"I3": "For I4 the device must be recorded on a network with IPv4 only and on one with IPv6 only, and reach the same destinations.",
			"I4": "For I5 the operator must confirm that the device works on a network with IPv6 only.",
		}[code]}
}

// ipv6Why is what the step rests on, and what was missing on IPv6 only.
func ipv6Why(code string, sheet *fact.Sheet) string {
	if code == "I4" || code == "I5" {
		return "Seen in the evidence. NAT64 and DNS64 were offered there, which is milder than IPv6 alone."
	}
	missing := list(sheet, "v6only.missing_list")
	if len(missing) == 0 {
		return "Seen in the evidence."
	}
	const shown = 3
	out := "Seen in the evidence. On a network with IPv6 only it did not reach " + strings.Join(missing[:min(shown, len(missing))], ", ")
	if more := len(missing) - shown; more > 0 {
		out += fmt.Sprintf(" and %d more", more)
	}
	return out + "."
}

// list is a fact that is a list, nil when it is not known.
func list(sheet *fact.Sheet, key string) []string {
	if sheet == nil {
		return nil
	}
	f, _ := sheet.Get(key)
	texts, _ := f.Value.([]string)
	return texts
}

// ipv6Unplaced says why the step is not known, as far as the facts tell.
func ipv6Unplaced(sheet *fact.Sheet) Rung {
	out := Rung{Text: "The step on the IPv6 ladder is not known.", Why: "The evidence does not state it.",
		Needs: "Let the device start on a network that offers IPv6, and record it from its first packet."}
	offered, known := yes(sheet, "ipv6.offered")
	if !known {
		return out
	}
	seen, _ := yes(sheet, "ipv6.seen")
	switch {
	case !offered && seen:
		out.Text = "At least I1: the device uses IPv6 on the local link."
		out.Why = "No router was seen to offer global IPv6 addresses, so it could not show more within this evidence."
	case !offered:
		out.Why = "No router was seen to offer IPv6 within this evidence, so nothing follows from the device sending none."
	case seen:
		out.Text = "At least I1: the device uses IPv6 on the local link."
		out.Why = "Whether it goes further is open: I2 and I3 were not seen, and the evidence does not hold the device joining, " +
			"two minutes of it after the offer of IPv6, and no gap."
		out.Needs = "Record the device without loss from its first packet, for some minutes."
	default:
		out.Why = "IPv6 was offered and none of the device's packets is IPv6, but the evidence does not hold the device joining, " +
			"two minutes of it after the offer, and no gap."
		out.Needs = "Record the device without loss from its first packet, for some minutes."
	}
	if !offered {
		out.Blame = text(sheet, "ipv6.blame")
	}
	return out
}

// yes is a fact that holds or not, and whether it is known.
func yes(sheet *fact.Sheet, key string) (holds, known bool) {
	if sheet == nil {
		return false, false
	}
	f, _ := sheet.Get(key)
	holds, known = f.Value.(bool)
	return holds, known
}

// text is a string fact, "" when it is not known.
func text(sheet *fact.Sheet, key string) string {
	if sheet == nil {
		return ""
	}
	f, _ := sheet.Get(key)
	s, _ := f.Value.(string)
	return s
}
