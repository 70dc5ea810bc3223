// Package rpki finds out what the RPKI says of the routes to given addresses:
// which announced prefix leads to each, who originates it, and whether a validated
// ROA payload (VRP) allows that (RFC 6811 section 2).
//
// It owns the formats of both inputs. Routes come from a prefix-to-AS file, none of
// which is shipped:
//
//   - pfx2as of CAIDA: prefix, length, origin, separated by tabs; "_" between
//     several origins, "," inside an AS_SET
//     (https://publicdata.caida.org/datasets/routing/routeviews-prefix2as/)
//   - riswhoisdump of the RIPE NCC: origin, prefix, number of RIS peers that see it
//     (https://www.ris.ripe.net/dumps/riswhoisdump.IPv4.gz and .IPv6.gz)
//
// VRPs come from a validator that the operator runs, as a file (JSON of rpki-client,
// Routinator and their like, or CSV) or over RTR (RFC 8210, RFC 6810). Files may be
// compressed with gzip. Both are streamed: what does not concern the given addresses
// is not kept, so that a whole table costs no memory.
//
// Decisions that the standards leave open: the route of an address is the longest
// announced prefix that holds it, as in forwarding; one prefix with several origins
// is several routes; a VRP that cannot be read makes its source unusable, because
// leaving it out could turn any state into another.
//
// It must not know names, devices or verdicts.
package rpki
