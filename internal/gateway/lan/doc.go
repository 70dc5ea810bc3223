// Package lan makes a router of two ports: addresses on the LAN port, forwarding
// to the WAN port with network address translation where it is needed, and a
// firewall between the device under test and everything that is not the public
// internet. Down, or after a crash Restore, puts the host back as it was.
//
// It must not know how the uplink comes by its addresses (package uplink), which
// services run on the LAN, nor how the kernel is spoken to (package netos).
package lan
