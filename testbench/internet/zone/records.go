package zone

import (
	"fmt"
	"strings"
)

// common is what every zone of a vendor has: each shape of data and of absence
// that a resolver must handle, under the same names everywhere.
func common(h Host) string {
	var b strings.Builder
	for _, name := range []string{"@", "www", "api", "mqtt", "update", "time", "*.dev", "exact.dev", "host.new"} {
		b.WriteString(h.at(name))
	}
	fmt.Fprintf(&b, "v4only A %s\nv6only AAAA %s\n", h.V4, h.V6)
	for i := range 12 { // more than 1232 octets together, so that UDP is not enough
		fmt.Fprintf(&b, "big TXT \"part-%02d %s\"\n", i, strings.Repeat("large answers need TCP ", 8))
	}
	b.WriteString(`@ MX 10 www
@ TXT "v=spf1 -all"
@ CAA 0 issue "ca.example"
www HTTPS 1 . alpn="h2,http/1.1"
alias CNAME www
alias2 CNAME alias
alias3 CNAME alias2
alias4 CNAME alias3
to-nothing CNAME absent
to-nodata CNAME v4only
loop CNAME loop-back
loop-back CNAME loop
*.dev TXT "any device"
*.caught CNAME www
leaf.of.empty.names TXT "the names above have no data"
_mqtts._tcp SRV 0 0 8883 mqtt
old DNAME new
`)
	return b.String()
}

// few is enough for zones that are about one thing.
func few(h Host) string {
	return h.at("@") + h.at("www") + h.at("*.dev") + "alias CNAME www\n@ TXT \"v=spf1 -all\"\n"
}

// aliases go from one zone into others, by CNAME and by DNAME.
const aliases = `to-secure CNAME www.hub.example.
to-nsec3 CNAME www.sensor.example.
to-optout CNAME www.cam.things.
to-unsigned CNAME www.plug.example.
to-unsigned-optout CNAME www.kettle.things.
to-legacy CNAME www.toy.legacy.
to-bogus CNAME www.flipped.example.
to-expired CNAME www.expired.example.
to-no-name CNAME absent.hub.example.
to-no-data CNAME v4only.hub.example.
to-wild CNAME any.dev.hub.example.
to-wild-nsec3 CNAME any.dev.sensor.example.
*.moved CNAME www.lock.example.
branch DNAME new.hub.example.
branch-unsigned DNAME new.plug.example.
branch-bogus DNAME flipped.example.
branch-deep DNAME old.hub.example.
`

// servers of the lab that differ in their TLS.
func tlsRecords() string {
	return few(WebHost) + TLS13Host.at("tls13") + TLS12Host.at("tls12") + TLS11Host.at("tls11") + TLS10Host.at("tls10") +
		ExpiredHost.at("expired") + SelfHost.at("self-signed") + WrongHost.at("wrong-name")
}

func poolRecords() string {
	var b strings.Builder
	for _, name := range []string{"@", "pool", "0.pool", "1.pool", "2.pool", "3.pool", "2.debian.pool", "0.android.pool", "time"} {
		b.WriteString(TimeHost.at(name))
	}
	return b.String()
}

// registry fills a top-level domain, so that the hashes of its delegations lie
// apart as they do in a real one: a proof about one vendor then says nothing
// about another, and resolvers cannot answer for no-proof.things from memory.
func registry() string {
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, "registered-%02d TXT \"a name of somebody\"\n", i)
	}
	return b.String()
}
