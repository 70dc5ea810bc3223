// Package guard owns what every service of the gateway does about a hostile
// LAN: rate limits in bounded memory, counters, notes that cannot flood the
// evidence log, and a listening loop that survives a lost link.
//
// It must not know any protocol: what is malformed, and what may be refused, is
// for the service to say.
package guard
