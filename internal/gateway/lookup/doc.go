// Package lookup asks the internet about the names and addresses that a device used:
// whether the names are signed and how, whether they have IPv6 and it works, who may
// issue certificates for them, what the RPKI says of the routes, and what TLS the
// servers accept.
//
// It owns the questions, their order and their manners: one thing at a time, a pause
// between connections, each offer to a server once, nothing but a handshake, no login
// ever, and never a packet to the device or its network. It must not know which
// device is graded nor what an answer is worth: it notes what it found, in the words
// below, each as one event.LookupNote of kind "lookup".
//
// The kinds, their subjects and their outcomes (the constants of this package):
//
//   - "dnssec", a name with the final dot, or "." for the control: secure, insecure,
//     bogus, indeterminate, failed, absent. It is the state of the whole chain of
//     aliases. Data: own, the state of the name itself; chain, each name of it with
//     its state; breaks, the first name that is not secure; zones, the zones that
//     signed the secure ones.
//   - "zone", a zone that signed: read, failed. Data: algorithms and digests, the
//     numbers of its DNSKEY and DS records; rsa, the bits of its shortest RSA key;
//     iterations, those of NSEC3.
//   - "aaaa", a name, or "." for the control (the root's own servers over IPv6):
//     none, present (no connection was tried, Why says why), reachable, unreachable,
//     failed, absent. Data: addresses; port; ns and ns_aaaa, how many name servers
//     the zone has and how many of the first few have AAAA.
//   - "caa", a name: issue, other, none, failed, absent. Data: at, where
//     the records stand; issuers; tags.
//   - "rpki", an address: valid, invalid, not-found, no-route, no-data. Data: routes,
//     each with its state; covering, the VRPs; vrps_age and routes_age in seconds
//     and vrps and routes_from, where they are from.
//   - "tls", "name:port" or "address:port": completed, refused, silent,
//     unreachable. Data: address; for each offer (offer_modern, offer_old, offer_rsa, offer_cbc)
//     accepted, refused, silent or untried, and with _version and _suite what was
//     chosen; keys and least_rsa, least_ec of the chain; chain, public, private,
//     self-signed or none; host, match or mismatch; dates, valid, expired or early;
//     not_after; client_certificate, asked.
//
// What an offer got is known once the server has chosen a version and a suite;
// whether it then wants a certificate of the client does not matter.
package lookup
