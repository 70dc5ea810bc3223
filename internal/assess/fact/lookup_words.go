package fact

import (
	"slices"
	"strconv"
	"strings"
)

// dnssecWord judges the part of a name's way that is the name's own.
func dnssecWord(_ *usedThing, said lookupSaid, known bool) (word, detail string) {
	own, whole := said.note.Data["own"], said.note.Outcome
	switch {
	case !known:
		return "unknown", "not looked up"
	case whole == "bogus":
		return "bogus", said.note.Why
	case whole == "absent":
		return "unknown", said.note.Why
	case own == "insecure" && whole == "insecure":
		return "insecure", ""
	case own == "secure" && (whole == "secure" || whole == "insecure"):
		return "secure", ""
	default:
		return "unknown", whole
	}
}

func aaaaWord(_ *usedThing, said lookupSaid, known bool) (word, detail string) {
	switch o := said.note.Outcome; {
	case !known:
		return "unknown", "not looked up"
	case o == "reachable" || o == "none":
		return o, ""
	case o == "present" || o == "unreachable":
		return o, said.note.Why
	default:
		return "unknown", said.note.Why
	}
}

func caaWord(_ *usedThing, said lookupSaid, known bool) (word, detail string) {
	switch o := said.note.Outcome; {
	case !known:
		return "unknown", "not looked up"
	case o == "issue":
		return o, said.note.Data["issuers"]
	case o == "other":
		return o, said.note.Data["tags"]
	case o == "none":
		return o, ""
	default:
		return "unknown", said.note.Why
	}
}

func rpkiWord(_ *usedThing, said lookupSaid, known bool) (word, detail string) {
	switch o := said.note.Outcome; {
	case !known:
		return "unknown", "not looked up"
	case o == "valid" || o == "invalid":
		return o, said.note.Data["routes"]
	case o == "not-found":
		return "not_found", said.note.Data["routes"]
	case o == "no-route":
		return "unknown", "no route in the table"
	default:
		return "unknown", said.note.Why
	}
}

// Algorithms of zone keys by what RFC 9904 and RFC 9905 say of signing with them.
var (
	outdatedAlgorithms = []string{"1", "3", "5", "6", "7", "12"}
	currentAlgorithms  = []string{"8", "13", "14", "15", "16"}
)

func zoneWord(_ *usedThing, said lookupSaid, known bool) (word, detail string) {
	d := said.note.Data
	algorithms, digests := strings.Fields(d["algorithms"]), strings.Fields(d["digests"])
	rsa, _ := strconv.Atoi(d["rsa"])
	switch {
	case !known || said.note.Outcome != "read" || len(algorithms) == 0 || len(digests) == 0:
		return "unknown", said.note.Why
	case anyOf(algorithms, outdatedAlgorithms) != "":
		return "outdated", "algorithm " + anyOf(algorithms, outdatedAlgorithms)
	case slices.Equal(digests, []string{"1"}):
		return "outdated", "the DS is SHA-1 alone"
	case rsa > 0 && rsa < 1024:
		return "outdated", "RSA " + d["rsa"]
	}
	return modernZone(d, algorithms, rsa)
}

func modernZone(d map[string]string, algorithms []string, rsa int) (word, detail string) {
	for _, a := range algorithms {
		if !slices.Contains(currentAlgorithms, a) {
			return "weak", "algorithm " + a
		}
	}
	switch {
	case rsa > 0 && rsa < 2048:
		return "weak", "RSA " + d["rsa"]
	case d["iterations"] != "" && d["iterations"] != "0":
		return "weak", d["iterations"] + " iterations of NSEC3"
	default:
		return "current", "algorithm " + strings.Join(algorithms, ", ")
	}
}

// anyOf is the first of some words that is in a list; "" when none is.
func anyOf(some, list []string) string {
	for _, s := range some {
		if slices.Contains(list, s) {
			return s
		}
	}
	return ""
}

// tlsWord judges a server by what it accepted. Something insufficient stays so
// whatever else could not be found out.
func tlsWord(_ *usedThing, said lookupSaid, known bool) (word, detail string) {
	if !known {
		return "unknown", "not asked"
	}
	d := said.note.Data
	if faults := tlsFaults(d); len(faults) > 0 {
		return "insufficient", strings.Join(faults, ", ")
	}
	for _, offer := range []string{"modern", "old", "rsa", "cbc"} {
		if got := d["offer_"+offer]; got != "accepted" && got != "refused" {
			return "unknown", said.note.Why
		}
	}
	if d["offer_modern"] != "accepted" || d["keys"] == "" {
		return "unknown", said.note.Why
	}
	if old := tlsOld(d); len(old) > 0 {
		return "phase_out", strings.Join(old, ", ")
	}
	return "good", d["offer_modern_version"]
}

// tlsOld is what is to be phased out at a server.
func tlsOld(d map[string]string) []string {
	var out []string
	if d["offer_cbc"] == "accepted" {
		out = append(out, "CBC")
	}
	if n, err := strconv.Atoi(d["least_rsa"]); err == nil && n < 3072 {
		out = append(out, "RSA "+d["least_rsa"])
	}
	if n, err := strconv.Atoi(d["least_ec"]); err == nil && n < 256 {
		out = append(out, "a curve of "+d["least_ec"]+" bits")
	}
	return out
}

// tlsFaults are what is insufficient at a server.
func tlsFaults(d map[string]string) []string {
	var out []string
	for _, offer := range []string{"old", "rsa"} {
		if d["offer_"+offer] == "accepted" {
			out = append(out, d["offer_"+offer+"_version"]+" with "+d["offer_"+offer+"_suite"])
		}
	}
	if n, err := strconv.Atoi(d["least_rsa"]); err == nil && n < 2048 {
		out = append(out, "RSA "+d["least_rsa"])
	}
	if n, err := strconv.Atoi(d["least_ec"]); err == nil && n < 224 {
		out = append(out, "a curve of "+d["least_ec"]+" bits")
	}
	return out
}
