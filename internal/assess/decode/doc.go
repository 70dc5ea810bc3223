// Package decode turns evidence entries into events. It is the only owner of
// packet formats: frames, addresses, fragments, conversations and reassembly
// live here, application protocols in the packages below it (wire is the
// contract between the two).
//
// gopacket is used behind a fence: DecodingLayerParser with a white list, never
// NewPacket, never its application layers, on bytes a device sent. It decodes
// ICMP, ICMPv6 and neighbour discovery. The headers before those are read by
// hand: its parser costs 85 ns a packet, more than half of what a packet of a
// conversation costs here in all, and it gives up where a decoder of evidence must
// go on (a snap length that cut the frame after the headers, broken TCP options,
// chains of IPv6 extension headers, ARP). Tests compare the two.
//
// Checksums are not verified: on the sender's own machine they are left to the
// network card, and would make every packet of the box itself look broken.
//
// Hostile bytes become events; nothing panics and nothing grows without bound:
// each bound is a constant with its reason. Where a bound or a hole in the log
// costs evidence, it is counted (Counts.Crowded, Half.Missing). decode must not
// know what an observation is worth.
package decode
