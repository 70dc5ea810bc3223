// Package uplink gets the box to the internet: it takes what the host has
// configured, or asks the network by DHCPv4, router advertisements and DHCPv6
// prefix delegation, or sets fixed addresses. It tells whoever asked when the
// uplink comes, changes or goes, and never gives up. What was lent is renewed in time,
// asked of anybody later, given up when its time is over or it is refused, and given
// back at the end. Resolvers are those that DHCP names, of IPv4 and IPv6, and where it
// names none those of router advertisements.
//
// It must not know the LAN, and it leaves the host's resolver configuration alone.
package uplink
