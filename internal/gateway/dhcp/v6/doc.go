// Package v6 owns the DHCPv6 service of the LAN (RFC 8415): addresses for
// clients that ask for them (stateful), and servers' addresses for all others
// (stateless).
//
// It needs no table to hand out addresses: a client's address is a keyed hash
// of its DUID and IAID, so a flood of forged clients takes nothing away from
// anybody. The table only remembers what was confirmed. The package must not
// know how the port was set up, what the router advertisements say, nor judge a
// device.
package v6
