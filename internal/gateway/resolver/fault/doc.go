// Package fault changes chosen DNS answers of one device on purpose, in rounds, to
// find out what the device does with them.
//
// It owns the arms (how each fault is made), the minimal pairs (a control round and
// rounds with a fault, for the same name, in random order), which names an arm can
// be tried with, and the notes that say which answers were changed. It must not know
// plans, verdicts, how a device is made to start afresh (injected), nor what the
// device does after an answer: that is read from the packets.
//
// In a round exactly one name is attacked; all others get genuine answers, so that
// they are controls in the same boot; keys above an attacked name may be theirs too. The attacked name's aliases are attacked with
// it: a validator that follows a chain of CNAMEs asks for each of them itself. The
// fault is the same over UDP and TCP and for every question of the round. A note
// about an answer is written before the answer leaves.
//
// How the arms are made:
//
//   - flipped: one bit of each signature over the address records at the end of the
//     chain, also over HTTPS records; the addresses, the other signatures and the AD
//     bit stay as they are. Every signature, because one that holds is enough
//     (RFC 4035 section 5.3.3).
//   - dsdenial: one bit of each signature over the NSEC and NSEC3 records in negative
//     answers for the attacked name and the names above it, of which the answer for DS
//     at the unsigned zone is one. The address answers stay as they are.
//   - stripped: RRSIG, NSEC and NSEC3 records left out although DO was set. Each pair
//     has two rounds of it: in one the answers for addresses lack them, in the other
//     (variant StrippedPath) every answer for the attacked name and the names above it
//     does, the root's keys included, as behind a resolver that knows no DNSSEC. Only
//     the second shows a validator that turns itself off there.
//   - wrongkey: the address records signed again by a key of the same algorithm that
//     no zone has, with the zone's name and key tag. For an algorithm that cannot be
//     signed with here the signature is random bytes of the same length.
//   - expired: where a signature that has ended by now was seen earlier in this run
//     over the same records, that one. Nobody but the zone can make another, so
//     otherwise the genuine signature with its times moved into the past, which is no
//     valid signature either: a validator that ignored times would refuse it all the
//     same. The note says which.
//   - nxdomain: the name does not exist, without a proof.
//   - servfail: SERVFAIL, with extended error 6 where the client uses EDNS.
//   - truncate: TC and nothing else over UDP, the genuine answer over TCP.
//   - large: the genuine answer, with additional records of 800 bytes, among them one
//     of a type that is not in use.
//   - chain: four CNAMEs before the genuine records. Not where the device asks for
//     signatures of a signed name: they cannot be signed.
//   - drop: no answer.
//   - stray: a message before the genuine answer that does not belong to the question,
//     with an address of the sinkhole. Each round has one of the mismatches.
//
// A name whose genuine answer is bogus is never attacked. Without DO the first four
// arms would give the same bytes as the control: they are not run then, and Plan says
// so.
package fault
