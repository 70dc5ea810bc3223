// Package provider owns what an internet provider gives a home: a recursive
// resolver, and on the uplink DHCPv4, router advertisements and DHCPv6 with a
// delegated prefix; and, beside it, the public resolvers that devices have built
// in. It must not know zones: what is answered is a function's business.
package provider
