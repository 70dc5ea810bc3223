// Package ra owns the router advertisements of the LAN (RFC 4861 section 6.2):
// which prefixes, resolvers (RFC 8106) and translation prefix (RFC 8781) devices
// are told, when they are told, and that a network which was taken back is taken
// back from the devices too.
//
// It must not know how the port was set up, which DHCPv6 mode is on beyond the
// flags M and O, nor judge a device.
package ra
