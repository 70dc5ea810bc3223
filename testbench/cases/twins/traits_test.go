package twins

import "crypto/tls"

// twin is a device with what is true of it, by check.
type twin struct {
	name string
	// from is what it differs from, in the one trait of its name.
	from   traits
	traits traits
	wrong  []string // checks that it must not pass
	right  []string // checks that it must not fail, though others are wrong
	// follows are the checks whose verdict changes with the trait although it is not
	// their own, with the reason.
	follows map[string]string
}

// sound are the checks that the right device passes.
var sound = []string{"DS-06", "TC-10", "TC-11", "V6-02", "V6-03", "V6-05", "V6-07", "V6-10", "CR-03", "PT-01", "PT-02", "DN-01", "DN-04", "OS-06", "DS-02", "TC-09"}

const nothing = `{"power":12.25}`

var plain = traits{plain: nothing}

var twins = []twin{
	{name: "asks without DNSSEC", traits: traits{noDO: true}, wrong: []string{"DS-01", "DS-02"}, follows: map[string]string{
		"DS-03": "it has no use for keys without signatures",
		"DS-04": "there is no check to be complete",
		"DS-05": "it trusts no root key",
	}},
	{name: "two names around the offered resolver", traits: traits{goesAround: true}, wrong: []string{"DS-06"}, follows: map[string]string{
		"V6-10": "the other resolver has a built-in IPv4 address",
	}},
	{name: "transaction IDs count up from one port", traits: traits{counts: true}, wrong: []string{"DN-01"}},
	{name: "a resolver of its own over TLS", traits: traits{dot: true}, wrong: []string{"DN-04"}, follows: map[string]string{
		"DS-06": "what is asked there cannot be seen",
		"V6-10": "the addresses learned there cannot be seen",
	}},
	{name: "offers 3DES", traits: traits{suites: append([]uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}, strong...)}, wrong: []string{"TC-10"}, follows: map[string]string{
		"TC-14": "it repeats a FAIL of TC-10 by destination",
	}},
	{name: "TLS 1.0", traits: traits{version: tls.VersionTLS10, suites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, wrong: []string{"TC-09", "TC-11"}, follows: map[string]string{
		"TC-10": "TLS 1.0 has no authenticated encryption to offer",
		"TC-12": "a hello of TLS 1.0 names no signature algorithms",
		"TC-14": "it repeats a FAIL of TC-11 by destination",
	}},
	{name: "no IPv6", traits: traits{only4: true}, wrong: []string{"V6-02", "V6-05"}, follows: map[string]string{
		"V6-03": "without an address it cannot ask over IPv6",
		"V6-07": "it has no address to judge",
		"V6-08": "it has no manners to judge",
	}},
	{name: "asks for IPv4 addresses alone", traits: traits{onlyA: true}, wrong: []string{"V6-05"}, follows: map[string]string{
		"V6-07": "no server on the internet sees its IPv6 address",
	}},
	{name: "resolver of its own instead of the advertised", from: traits{noResolver4: true}, traits: traits{noResolver4: true, ownOnly: true}, wrong: []string{"V6-03", "DS-06"}, follows: map[string]string{
		"V6-10": "the other resolver has a built-in IPv4 address",
	}},
	{name: "MAC address in the IPv6 address", traits: traits{hardware: true}, wrong: []string{"V6-07"}},
	{name: "a built-in address", traits: traits{builtIn: true}, wrong: []string{"V6-10"}, follows: map[string]string{
		"DN-04": "it may have learned the address by a DNS that is not seen",
	}},
	{name: "foreign source addresses", traits: traits{spoofs: true}, wrong: []string{"OS-06"}, follows: map[string]string{
		"PT-01": "the datagrams are in an unknown protocol",
		"PT-02": "the datagrams are in an unknown protocol",
		"PT-03": "the datagrams are in an unknown protocol",
	}},
	{name: "tries Telnet everywhere", traits: traits{scans: true}, wrong: []string{"OS-06"}, follows: map[string]string{
		"DN-04": "it may have learned the addresses by a DNS that is not seen",
		"V6-10": "nobody told it the addresses",
	}},
	{name: "readings over HTTP", traits: plain, wrong: []string{"PT-01"}, right: []string{"CR-03", "PT-02"}},
	{name: "a name of its owner over HTTP", from: plain, traits: traits{plain: `{"owner":"` + canary + `"}`}, wrong: []string{"PT-01", "PT-02"}, right: []string{"CR-03"}},
	{name: "a password over HTTP", from: plain, traits: traits{plain: nothing, header: "Authorization: Basic YWRtaW46Y29ycmVjdC1ob3JzZQ==\r\n"}, wrong: []string{"PT-01", "PT-02", "CR-03"}, follows: map[string]string{
		"CR-07": "a secret was seen that can be compared",
	}},
	{name: "an image over HTTP", from: plain, traits: traits{plain: nothing, firmware: true}, wrong: []string{"UP-02", "PT-01"}},
}

// blind are lives in which checks cannot be decided: neither PASS nor FAIL may come out.
var blind = []struct {
	name   string
	traits traits
	checks []string
}{
	{"no router advertises IPv6", traits{noRouter6: true}, []string{"V6-02", "V6-03", "V6-05", "V6-07"}},
	{"the log begins after the joining", traits{midway: true}, []string{"DS-06", "V6-10"}},
	{"the log ends after a minute", traits{brief: true}, []string{"PT-01", "PT-02", "DN-01", "OS-06", "V6-10"}},
	{"one start only", traits{onceOnly: true}, []string{"DN-01"}},
	{"no connection", traits{noTLS: true}, []string{"TC-09", "TC-10", "TC-11", "V6-05", "V6-10"}},
	{"the set-up is not stated", traits{unstated: true}, []string{"CR-03"}},
	{"wholly encrypted", traits{}, []string{"UP-02"}},
}
