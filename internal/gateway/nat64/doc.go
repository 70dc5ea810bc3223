// Package nat64 lets devices without IPv4 reach the IPv4 internet: a stateful
// translator (RFC 6146) on a TUN device. IPv6 packets to the NAT64 prefix are routed
// into it and come out as IPv4 from one private address, which the router's own
// address translation gives the uplink's address on the way out.
//
// It owns the table of conversations, with its bounds and timeouts, and the TUN
// device. It must not know how packets are rewritten (package siit), how the link is
// addressed and routed and what else the firewall refuses (package lan), nor which
// device is being graded. It notes nothing: each packet is in the evidence as the
// device sent it.
//
// Decisions that RFC 6146 leaves open: mapping is endpoint-independent; what comes
// from outside must belong to a conversation that a device began (the router in
// front lets nothing else through anyhow), so that TCP has no states for connections
// from outside; a device keeps its port where it is free.
package nat64
