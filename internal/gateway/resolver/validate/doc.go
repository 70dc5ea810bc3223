// Package validate decides what DNSSEC says of one answer: secure, insecure,
// bogus or indeterminate (RFC 4033 section 5, RFC 4035, 5155, 6840, 9276).
//
// It owns trust anchors, the chain of trust from an anchor down to the zone
// that signed the answer, signatures and their times, denial of existence by
// NSEC and NSEC3, and the limits that keep a hostile answer from buying more
// than a fixed amount of work. It is forward-only: what it lacks (DS and DNSKEY
// RRsets) it asks for through a Source, it never follows NS records.
//
// It must not know sockets, the cache of answers, or what a client asked for in
// its flags: the resolver turns a Verdict into AD, SERVFAIL and an extended
// error.
//
// Decisions that the standards leave open:
//
//   - No clock skew is granted: a signature is good from its inception to its
//     expiration, both included, in serial arithmetic (RFC 4034 section 3.1.5).
//   - RSA keys under 1024 bits, over 4096 bits or with a public exponent over
//     2^31-1 are keys that cannot be used here, like keys of an unknown
//     algorithm: what depends on them alone is insecure, not bogus. A key that
//     short can be broken by anybody, so its signatures prove nothing; but the
//     zone is no more at fault than one that did not sign.
//   - Algorithms 5 and 7 (SHA-1) still validate, though nobody should sign with
//     them any more (RFC 8624 section 3.1); a SHA-1 DS is ignored where a better
//     digest of the same zone is there (RFC 4509 section 3).
//   - NSEC3 with more than Limits.Iterations iterations (100 unless told) gives
//     insecure with extended error 27, after its signature was verified
//     (RFC 9276 section 3.2). Unbound 1.17 draws that line at 150, BIND 9.18 at
//     50, systemd-resolved at 100.
//   - A signature whose Labels field is 0 over a name other than the root
//     claims a wildcard in the root zone; there is none, it never validates.
//   - A name that no trust anchor covers is insecure: RFC 4033 calls it
//     indeterminate and treats it in the same way.
//   - An RRSIG query is answered as insecure: signatures are not signed.
package validate
