// Package clear reads application protocols over TCP that send in clear: HTTP,
// FTP, Telnet, MQTT, RTSP, mail, SIP, SOCKS and a few that are only named; and it
// looks through every clear conversation, known or not, for exposed personal data.
//
// It owns what a credential on the wire looks like in each of these protocols.
// Secrets are wrapped the moment they are parsed. It must not know packets, ports
// beyond a hint, or what an observation is worth. Every reader is bounded by the
// constants named in it and goes on, where that is possible, after a gap.
package clear
