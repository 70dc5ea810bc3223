// Package upstream asks other resolvers: over UDP, again over TCP where an
// answer was cut short, or over TLS (RFC 7858).
//
// It owns which of several upstreams is asked next (smoothed round-trip times,
// as TCP keeps them), time-outs, connections that are used again, and the tests
// that an answer must pass before anybody looks at its content: id, question,
// and records that hang together with the name that was asked. It must not know
// clients, the cache, or what makes an answer authentic.
//
// An upstream with a Name is asked over TLS alone, and its certificate must
// hold for that name (the strict profile of RFC 8310 section 5): there is no
// way back to clear text.
package upstream
