// Package siit translates packets between IPv6 and IPv4 (RFC 7915, "Stateless
// IP/ICMP Translation"): headers, TCP and UDP checksums, ICMP, the packets that
// ICMP errors quote, fragments, and addresses (RFC 6052).
//
// It owns bytes alone: every function is told the addresses and ports that the
// translated packet is to have. It must not know which conversation a packet
// belongs to, what time it is, nor where packets come from and go to. Packets are
// hostile: what cannot be translated exactly is refused with a Reason.
package siit
