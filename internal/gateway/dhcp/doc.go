// Package dhcp is the folder of the two address services of the LAN: package v4
// (RFC 2131) and package v6 (RFC 8415). It owns nothing itself: the protocols
// share a name and no code.
package dhcp
