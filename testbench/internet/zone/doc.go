// Package zone owns the names of the lab's small internet: which zones there
// are, what is in them, how they are signed and in which known way some of them
// are broken. It answers as the authority of one zone does (Zone.Lookup,
// Universe.Authority) and as a recursive resolver that does not validate does
// (Universe.Answer), both without any network.
//
// Everything follows from a seed and a clock: keys are derived from the seed
// (their signatures too, RFC 6979), validity periods from the clock at the
// moment of signing. Signatures are made when they are first asked for and
// renewed when the clock has moved on, so that a universe costs a few
// milliseconds and does not age.
//
// It must not know about sockets, namespaces or the gateway.
package zone
