package fact

import (
	"slices"
	"strings"
)

// certificateSorting divides servers by their certificates.
func certificateSorting() sorting {
	return sorting{"lookup.certificates_", "lookup.servers", []sortingWord{
		{"valid", "with a certificate for their name, within its dates, that leads to a public authority and comes with a timestamp of a public log (RFC 6962)"},
		{"unlogged", "with such a certificate, but no timestamp of a public log was seen"},
		{"private", "whose certificate leads to no public authority: a private one, or a chain that is not complete"},
		{"self_signed", "whose certificate is its own authority"},
		{"invalid", "with a certificate of a public authority that is outside its dates, or that is not for the name that the device itself said"},
		{"unknown", "that showed no certificate, or of which it is not known under which name the device wants them"},
	}}
}

// certificateWord judges the certificate of a server. A private authority has rules of
// its own for names and dates, so these are told of it and not held against it.
func certificateWord(t *usedThing, said lookupSaid, known bool) (word, detail string) {
	d := said.note.Data
	if !known || d["chain"] == "" {
		return "unknown", certificateMissing(said, known)
	}
	detail = strings.Join(certificateFaults(d), ", ")
	switch d["chain"] {
	case "private":
		return "private", detail
	case "self-signed":
		return "self_signed", detail
	case "public":
		return publicWord(t, d, detail)
	default:
		return "unknown", said.note.Why
	}
}

func certificateMissing(said lookupSaid, known bool) string {
	if !known {
		return "not asked"
	}
	if said.note.Data["client_certificate"] == "asked" {
		return "it demands a client certificate"
	}
	return said.note.Why
}

func publicWord(t *usedThing, d map[string]string, detail string) (word, told string) {
	switch {
	case d["dates"] == "expired" || d["dates"] == "early":
		return "invalid", detail
	case d["host"] == "mismatch" && t.unnamed:
		return "unknown", "the device did not say which name it expects"
	case d["host"] == "mismatch":
		return "invalid", detail
	case d["host"] != "match" || d["dates"] != "valid":
		return "unknown", "the look-up is not complete"
	case slices.Contains([]string{"certificate", "handshake", "staple"}, d["scts"]):
		return "valid", "until " + d["not_after"]
	default:
		return "unlogged", ""
	}
}

// certificateFaults are what is odd about a certificate.
func certificateFaults(d map[string]string) []string {
	var out []string
	switch d["dates"] {
	case "expired":
		out = append(out, "it ended at "+d["not_after"])
	case "early":
		out = append(out, "it is not valid yet")
	}
	if d["host"] == "mismatch" {
		out = append(out, "it is for another name")
	}
	return out
}
