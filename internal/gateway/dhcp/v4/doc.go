// Package v4 owns the DHCPv4 service of the LAN (RFC 2131, 2132): which device
// has which address, what it is told beside it, and that this stays so over a
// restart and through a flood of forged clients.
//
// It speaks on one Link and answers only clients on that link: a relayed message
// is refused. It must not know how the port was set up, nor judge a device: it
// notes what it did, and the packets show the rest.
//
// A client is known by its MAC address alone. RFC 2131 section 4.2 would have
// the client identifier come first, but that is a text which every neighbour can
// copy, and the address of the device under test must not be had by copying.
package v4
