// Package manners asks a device two things that only a neighbour on its link can: it
// sends it a router advertisement that claims to come from another link (RFC 4861
// section 6.1.2), and it tells it that its packets are too big for the path (RFC 8201).
//
// It owns these packets, their number and whom they go to: one address of the device on
// the LAN port, and nobody else. It must not know plans or networks, nor judge what the
// device does: the packets show it.
package manners
