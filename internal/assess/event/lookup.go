package event

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// lookupTitles say what was asked, for people.
var lookupTitles = map[string]string{
	"dnssec": "DNSSEC of", "zone": "keys of the zone", "aaaa": "IPv6 of", "caa": "CAA of", "rpki": "RPKI of the route to", "tls": "TLS of",
}

// Describe is one line for a report: the question, its outcome, and what else was
// found, in the order of the words.
func (b LookupNote) Describe() string {
	title, known := lookupTitles[b.Kind]
	if !known {
		title = b.Kind + " of"
	}
	out := "the gateway looked up: " + title + " " + b.Subject + ": " + b.Outcome
	if b.Why != "" {
		out += " (" + b.Why + ")"
	}
	var more []string
	for _, k := range slices.Sorted(maps.Keys(b.Data)) {
		if v := b.Data[k]; v != "" {
			more = append(more, strings.ReplaceAll(k, "_", " ")+" "+v)
		}
	}
	if len(more) > 0 {
		out += "; " + strings.Join(more, "; ")
	}
	return Clean(out)
}

// describeNote tells the notes that people read; false for the others.
func describeNote(kind string, js []byte) (string, bool) {
	if text, ok := describeAsked(kind, js); ok {
		return text, true
	}
	if text, ok := describeClock(kind, js); ok {
		return text, true
	}
	var n LookupNote
	if kind != NoteLookup || json.Unmarshal(js, &n) != nil || n.Kind == "" {
		return "", false
	}
	return n.Describe(), true
}
