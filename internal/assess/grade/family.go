package grade

// family is one of the 14 families of checks.
type family struct {
	code, name string
	headline   bool // one of the four that the box shows as a lamp
}

// families lists the families in the order of the catalogue.
func families() []family {
	return []family{
		{"DS", "DNSSEC", true},
		{"TC", "TLS: the device as client", true},
		{"TS", "TLS: services of the device", false},
		{"V6", "IPv6", true},
		{"CR", "Credentials", true},
		{"PT", "Plaintext and data exposure", false},
		{"DN", "DNS hygiene and privacy", false},
		{"TI", "Time", false},
		{"UP", "Updates", false},
		{"OS", "Open services and attack surface", false},
		{"VE", "Vendor cloud endpoints", false},
		{"MU", "MUD", false},
		{"AD", "Addressing", false},
		{"RE", "Resilience", false},
	}
}

// familyOf is the family code of a check id.
func familyOf(check string) string { return check[:min(len(check), 2)] }

func isFamily(code string) bool {
	for _, f := range families() {
		if f.code == code {
			return true
		}
	}
	return false
}
