// Package secure reads TLS over TCP, DTLS and QUIC: everything of a handshake
// that travels readable, as events. It recognises them by content on any port.
//
// It owns the formats of records, handshake messages and certificates, and the
// protection of QUIC Initial packets. It must not know what a version or a
// cipher suite is worth, nor read what is encrypted: of that it only counts.
package secure
