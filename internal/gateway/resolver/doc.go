// Package resolver is the DNS that the device gets by DHCP and RA: a forwarding,
// validating resolver on the addresses of the LAN, over UDP and TCP, IPv4 and
// IPv6.
//
// It owns what a client sees: the meaning of RD, DO, AD and CD (RFC 4035 section
// 3.2, RFC 6840), EDNS (RFC 6891), truncation, extended errors (RFC 8914), names
// that are answered on the spot (RFC 6303, 6761, 7686, 8375, 9462), the limits
// that keep a hostile client from using the box up, and the one place where an
// experiment may change an answer (Fault). Answers are otherwise passed on as
// they are: TTLs counted down, nothing prefetched, nothing made up.
//
// It must not know which device is being graded, nor what an experiment wants
// to find out. Package wire reads the bytes of questions, package cache keeps
// answers, package upstream asks other resolvers, package validate decides what
// is authentic.
//
// Decisions that the standards leave open:
//
//   - The upstream is always asked with DO and CD (RFC 6840 section 5.9); one full
//     answer is kept and every client's view is made from it.
//   - Answers carry the answer itself and what proves it: no NS records beside a
//     positive answer, no additional section but OPT. What is left out was not
//     validated or not asked for.
//   - A client that sets CD gets the data whatever the verdict, and never AD.
//   - A question without RD is REFUSED, whether the cache could answer it or not:
//     what other devices asked is nobody's business.
//   - ANY is answered with HINFO (RFC 8482 section 4.2); AXFR, IXFR, the other
//     meta types and every class but IN are REFUSED.
//   - A DS question for the apex of a name that is answered on the spot is
//     forwarded: it belongs to the parent, and a validating device needs it
//     (RFC 8375 section 4).
//   - Without an upstream that gives DNSSEC data nothing can be validated; then
//     every answer is SERVFAIL with an extended error, unless Config.Unvalidated
//     says otherwise, and Health shows it in either case.
package resolver
