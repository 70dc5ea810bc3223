package fact

func dnsSchema() []Decl {
	var all []Decl
	for _, part := range [][]Decl{askedDecls(), pathDecls(), reachDecls(), forgeDecls()} {
		all = append(all, part...)
	}
	return all
}

func askedDecls() []Decl {
	return []Decl{
		{"dns.queries", Int, "questions in clear DNS over UDP or TCP; the same question sent again for want of an answer counts once; mDNS and LLMNR do not count"},
		{"dns.queries_edns", Int, "of dns.queries, those with EDNS(0)"},
		{"dns.queries_do", Int, "of dns.queries, those with the DO bit"},
		{"dns.queries_cd", Int, "of dns.queries, those with the CD bit"},
		{"dns.queries_ad", Int, "of dns.queries, those with the AD bit"},
		{"dns.queries_rd0", Int, "of dns.queries, those that ask no recursion"},
		{"dns.queries_tcp", Int, "of dns.queries, those over TCP"},
		{"dns.queries_dnskey", Int, "of dns.queries, those for DNSKEY records"},
		{"dns.queries_ds", Int, "of dns.queries, those for DS records"},
		{"dns.queries_rrsig", Int, "of dns.queries, those for RRSIG records"},
		{"dns.queries_any", Int, "of dns.queries, those for ANY"},
		{"dns.queries_address", Int, "of dns.queries, those for A or AAAA records"},
		{"dns.do_share", Double, "share of dns.queries_address with the DO bit, 0 to 1; unknown without such questions; what is asked about a name that the box gives faulty answers for does not count"},
		{"dns.trust_signals", Int, "of dns.queries, those that tell which root keys or algorithms the device trusts: _ta- names and EDNS options 5, 6, 7 and 14"},
		{"dns.key_tags", List, "key tags of root keys that the device signalled, decimal"},
		{"dns.answers", Int, "answers in clear DNS to the device"},
		{"dns.answers_unasked", Int, "of these, answers whose questions the log does not hold: the device has asked something that was not seen"},
		{"dns.failures", Int, "of dns.answers, those with a result other than an answer and no such name (SERVFAIL, REFUSED, ...)"},
		{"dns.malformed", Int, "DNS messages of the device that could not be read; only the first few of a conversation are counted"},
		{"dns.names", Int, "different names asked in clear DNS, reverse look-ups included, questions for DNSKEY, DS and trust signals left out; unknown above 1,024"},
		{"dns.names_reverse", Int, "of dns.names, those under in-addr.arpa and ip6.arpa"},
		{"dns.names_do", Int, "of dns.names, those asked at least once with the DO bit"},
		{"dns.names_address", Int, "of dns.names, those asked for A or AAAA"},
		{"dns.names_aaaa", Int, "of dns.names, those asked for AAAA"},
		{"dns.aaaa_share", Double, "dns.names_aaaa as a share of dns.names_address, 0 to 1; unknown without such names"},
		{"dns.names_with_aaaa", Int, "of dns.names, those for which an answer held an IPv6 address"},
		{"dns.names_resolved", Int, "of dns.names, those for which an answer to the device's question held an address"},
		{"dns.name_list", List, "dns.names, at most 64"},
		{"dns.chain_share", Double, "share of dns.names_resolved for which both DNSKEY and DS of a zone around the name, below the root, were asked, 0 to 1"},
		{"dns.boots", Int, "how often the device was seen joining the network from the beginning: DHCP DISCOVER, DHCP REQUEST for a remembered address, or a test of its link-local address; renewing a lease is none"},
		{"dns.start_seen", Bool, "the log holds the device joining the network before it asked any name or opened any conversation to the internet"},
		{"dns.cache_windows", Int, "answers of 10 s or more whose lifetime ended within the log, at most 256"},
		{"dns.asks_per_ttl", Int, "most questions for one name and type within the lifetime of its answer, the one that was answered included; the last tenth of a lifetime is not counted"},
		{"dns.asks_per_ttl_name", Text, "the name that dns.asks_per_ttl is about"},
		{"dns.asks_per_minute", Int, "most questions for one name and type within a minute"},
	}
}

func pathDecls() []Decl {
	return []Decl{
		{"resolver.offered", Int, "addresses of resolvers that DHCP or router advertisements offered to the device within the log"},
		{"resolver.offered_list", List, "those addresses"},
		{"resolver.asked", Int, "addresses of resolvers that the device asked in clear"},
		{"resolver.queries_offered", Int, "questions put to offered resolvers, repeats included"},
		{"resolver.failures_offered", Int, "of those, the ones that were answered SERVFAIL, REFUSED or the like, or not within 1 s; not those of which the resolver said that their signatures do not hold (RFC 8914)"},
		{"resolver.offered_healthy", Bool, "the offered resolvers answered, and none of their answers was a failure or late; unknown when they were not asked"},
		{"resolver.foreign", Int, "addresses of resolvers that the device asked in clear and that nobody had offered"},
		{"resolver.foreign_list", List, "those addresses"},
		{"resolver.unasked", Int, "addresses that nobody had offered and that answered questions which the log does not hold, and were asked none that it holds"},
		{"resolver.unasked_list", List, "those addresses"},
		{"resolver.names_offered", Int, "names that got an address from an offered resolver"},
		{"resolver.router", Int, "addresses of the network's router that the device asked in clear and that had not been offered as resolvers"},
		{"resolver.router_list", List, "those addresses"},
		{"resolver.names_router", Int, "names that got an address from resolver.router, and from no offered resolver"},
		{"resolver.names_fallback", Int, "names that got an address only from other resolvers, each time within 5 minutes after an offered one had failed"},
		{"resolver.names_bypass", Int, "names that got an address only from other resolvers, at least once without such a reason"},
		{"resolver.bypass_list", List, "those names, at most 64"},
		{"dns.encrypted", Int, "resolvers to which the device began DNS over TLS, HTTPS or QUIC: by port 853, by the protocol it names, or by a known public resolver's name or address"},
		{"dns.encrypted_list", List, "those resolvers"},
		{"dns.encrypted_foreign", Int, "of dns.encrypted, those that the network had not offered by address or designated by name"},
		{"dns.encrypted_foreign_list", List, "those resolvers"},
	}
}

func reachDecls() []Decl {
	return []Decl{
		{"dns.connections", Int, "TCP and UDP conversations that the device opened to internet addresses; resolvers, addresses offered by DHCP or router advertisements, conversations joined midway and dns.connections_early left out"},
		{"dns.connections_explained", Int, "of dns.connections, those to an address that a visible answer to the device's question had named, within its TTL or 10 minutes after"},
		{"dns.connections_unexplained", Int, "of dns.connections, the others"},
		{"dns.connections_early", Int, "conversations to addresses that no visible answer named, while the log does not hold the device's start (dns.start_seen): their look-up may be older than the log"},
		{"dns.coverage", Double, "dns.connections_explained as a share of dns.connections, 0 to 1; unknown without such connections"},
		{"dns.unexplained_list", List, "destinations of dns.connections_unexplained, at most 64"},
		{"literal.named", Int, "IPv4 internet destinations (address, port, transport) whose address some visible answer named; offered addresses left out"},
		{"literal.services", Int, "IPv4 internet destinations that answered, that no visible answer named, in a log that holds the device's start; resolvers and time servers left out"},
		{"literal.resolvers", Int, "the same for resolvers (port 53 or 853, or a known public resolver), answered or not"},
		{"literal.clocks", Int, "the same for time servers (port 123), answered or not"},
		{"literal.unsure", Int, "IPv4 internet destinations that no visible answer named and that prove nothing: in a log without the device's start, without an answer, or over UDP after a named server had answered, which may have told the address"},
		{"literal.named_list", List, "destinations of literal.named, at most 64"},
		{"literal.services_list", List, "destinations of literal.services, at most 64"},
		{"literal.resolvers_list", List, "destinations of literal.resolvers, at most 64"},
		{"literal.clocks_list", List, "destinations of literal.clocks, at most 64"},
		{"literal.unsure_list", List, "destinations of literal.unsure, at most 64"},
	}
}

func forgeDecls() []Decl {
	return []Decl{
		{"dns.id_queries", Int, "questions over UDP whose IDs and ports are measured: the first 256 of each of the first 8 boots"},
		{"dns.id_sequences", Int, "boots seen from their beginning with at least 4 questions over UDP"},
		{"dns.id_distinct", Int, "different transaction IDs among dns.id_queries"},
		{"dns.id_distinct_share", Double, "dns.id_distinct as a share of dns.id_queries, 0 to 1"},
		{"dns.id_max", Int, "largest transaction ID"},
		{"dns.id_run", Int, "most times in a row that an ID was larger than the one before by 1 to 64"},
		{"dns.id_step_share", Double, "share of IDs that were larger than the one before by 1 to 64, 0 to 1"},
		{"dns.id_repeats", Bool, "two boots began with the same four IDs"},
		{"dns.ports", Int, "different source ports of dns.id_queries"},
		{"dns.port_lookups", Int, "look-ups among dns.id_queries: neighbouring questions for one name from one port are one"},
		{"dns.port_distinct_share", Double, "dns.ports as a share of dns.port_lookups, 0 to 1"},
		{"dns.port_run", Int, "most times in a row that a look-up's port was larger than the one before by 1 to 64"},
		{"dns.port_step_share", Double, "share of look-ups whose port was larger than the one before by 1 to 64, 0 to 1"},
	}
}

func timeSchema() []Decl {
	return []Decl{
		{"time.queries", Int, "NTP requests of the device"},
		{"time.answers", Int, "NTP answers to the device"},
		{"time.offered", Int, "time servers that DHCP option 42 offered to the device"},
		{"time.option_asked", Bool, "the device asked for DHCP option 42 (time servers)"},
		{"time.servers", Int, "addresses that the device asked for the time on networks that can offer a time server by DHCPv4"},
		{"time.server_list", List, "those addresses"},
		{"time.servers_offered", Int, "of those, the ones that DHCP offered or that are on the local network"},
		{"time.servers_named", Int, "of those, the ones that a visible DNS answer named"},
		{"time.servers_literal", Int, "of those, the ones that nothing visible named although the log holds the device's start"},
		{"time.literal_list", List, "addresses of time.servers_literal"},
		{"time.servers_unsure", Int, "of those, the ones that nothing visible named and whose look-up may be older than the log"},
		{"time.bare_pool", List, "general names of the NTP pool that the device looked up (pool.ntp.org with or without number or region, not a vendor's zone)"},
		{"time.interval", Double, "seconds between requests to the server that is asked most often, on average, the first 30 s left out; unknown unless a server that answers was in use for 5 minutes"},
		{"time.poll_claimed", Int, "smallest poll interval the device states in its requests, as a power of 2 s; many simple clients state 0"},
		{"time.port_123", Int, "of time.queries, those sent from port 123"},
		{"time.nts", Int, "of time.queries, those with an authenticator of Network Time Security"},
		{"time.nts_answers", Int, "of time.answers, those with an authenticator of Network Time Security"},
		{"time.ntske", Int, "TLS conversations begun to agree keys for Network Time Security"},
	}
}
