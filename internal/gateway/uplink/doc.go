// Package uplink gets the box to the internet: it takes what the host has
// configured, or asks the network by DHCPv4, router advertisements and DHCPv6
// prefix delegation, or sets fixed addresses. It tells whoever asked when the
// uplink comes, changes or goes, and never gives up.
//
// It must not know the LAN, and it leaves the host's resolver configuration alone.
package uplink
