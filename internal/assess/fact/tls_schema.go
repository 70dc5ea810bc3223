package fact

// tlsTrait is something that holds for a destination of the device's TLS, or not.
type tlsTrait uint8

const (
	traitOffers13 tlsTrait = iota
	traitOffers12
	traitBelow12
	traitBroken
	traitOnlyStatic
	traitStatic
	traitPhaseOut
	traitUnrated
	traitSharedKeyOnly
	traitSharedKeyMAC
	traitNoName
	traitCompleted
	traitIncomplete
	traitUnread
	traitUsedWeak
	traitUsedWeakService
	traitUsedWeakDevice
	traitUsedStatic
	traitUsedPhaseOut
	traitUsedUnrated
	traitUnsure
	traitSHA1Only
	traitSHA1
	traitGroupsBad
	traitGroupsWeak
	traitGroupsUnrated
	traitLeafSmall
	traitLeafPhaseOut
	traitLeafSHA1
	traitHybrid
	traitClientCert
	traitFailing
	tlsTraits
)

// tlsTraitDecl names the facts of a trait: how many destinations have it, and
// under key + "_names" which.
type tlsTraitDecl struct{ key, doc string }

// tlsDecls declares the traits, in the order of their numbers.
func tlsDecls() [tlsTraits]tlsTraitDecl {
	return [tlsTraits]tlsTraitDecl{
		traitOffers13:        {"tls.offers_13", "internet destinations to which every hello offered TLS 1.3"},
		traitOffers12:        {"tls.offers_12", "internet destinations to which the poorest hello offered TLS 1.2 at best"},
		traitBelow12:         {"tls.below_12", "internet destinations to which the poorest hello offered less than TLS 1.2"},
		traitBroken:          {"tls.offers_broken", "destinations to which a NULL, anonymous, EXPORT, RC4, DES, 3DES or SSL 2.0 cipher was offered"},
		traitOnlyStatic:      {"tls.only_static", "destinations to which only suites with static RSA or Diffie-Hellman were offered"},
		traitStatic:          {"tls.offers_static", "destinations to which static RSA, Diffie-Hellman or pre-shared key suites were offered besides others"},
		traitPhaseOut:        {"tls.offers_phase_out", "destinations to which suites to phase out (CBC, DHE, CCM_8, Camellia, ARIA) were offered"},
		traitUnrated:         {"tls.offers_unrated", "destinations to which a suite was offered that is not registered or not rated"},
		traitSharedKeyOnly:   {"tls.shared_key_only", "destinations to which only pre-shared key suites were offered"},
		traitSharedKeyMAC:    {"tls.shared_key_mac", "destinations to which a static pre-shared key was used with an identity that holds the device's MAC address"},
		traitNoName:          {"tls.no_name", "internet destinations to which a hello without server name was sent"},
		traitCompleted:       {"tls.completed", "destinations to which a handshake was completed: application data after both ChangeCipherSpec, in TLS 1.3 from both sides"},
		traitIncomplete:      {"tls.incomplete", "destinations to which no handshake was seen completed"},
		traitUnread:          {"tls.choice_unread", "destinations with data in a conversation whose ServerHello could not be read"},
		traitUsedWeak:        {"tls.used_weak", "destinations where a completed handshake chose less than TLS 1.2, or a broken or static suite"},
		traitUsedWeakService: {"tls.used_weak_by_service", "of these, destinations where the device had offered better"},
		traitUsedWeakDevice:  {"tls.used_weak_by_device", "of these, destinations where the device had offered nothing better"},
		traitUsedStatic:      {"tls.used_static", "destinations where a completed handshake used static RSA or Diffie-Hellman"},
		traitUsedPhaseOut:    {"tls.used_phase_out", "destinations where a completed handshake used CBC, DHE, CCM_8, Camellia, ARIA, or a pre-shared key without forward secrecy"},
		traitUsedUnrated:     {"tls.used_unrated", "destinations where a completed handshake used a suite that is not rated"},
		traitUnsure:          {"tls.weak_unsure", "destinations where the server chose something weak and the log does not show whether the device went along"},
		traitSHA1Only:        {"tls.sha1_only", "destinations to which only SHA-1 or MD5 signatures were offered, in words or by the standard's default"},
		traitSHA1:            {"tls.sha1", "destinations to which SHA-1 or MD5 signatures were offered besides better ones, SHA-224 was offered, or any of these was used"},
		traitGroupsBad:       {"tls.groups_bad", "destinations to which ffdhe2048 was the only group offered"},
		traitGroupsWeak:      {"tls.groups_weak", "destinations to which weak groups were offered besides others, or all groups were weak"},
		traitGroupsUnrated:   {"tls.groups_unrated", "destinations to which a group was offered that is not rated"},
		traitLeafSmall:       {"tls.leaf_small", "destinations whose certificate, in a completed handshake, has RSA below 2048 bits or EC below 224"},
		traitLeafPhaseOut:    {"tls.leaf_phase_out", "destinations whose certificate, in a completed handshake, has RSA of 2048 to 3071 bits or P-224"},
		traitLeafSHA1:        {"tls.leaf_sha1", "destinations whose certificate, in a completed handshake, was signed by its issuer with SHA-1 or MD5"},
		traitHybrid:          {"tls.hybrid", "destinations to which a post-quantum group was offered"},
		traitClientCert:      {"tls.client_certificate", "destinations that asked the device for a certificate"},
		traitFailing:         {"tls.failing", "destinations with a broken offer or a weak completed connection"},
	}
}

func tlsSchema() []Decl {
	out := []Decl{
		{"tls.hellos", Int, "TLS, DTLS and QUIC hellos of the device as client; a hello repeated in one handshake counts once"},
		{"tls.quic_hellos", Int, "of these, those in QUIC"},
		{"tls.unread", Int, "conversations of the device that are TLS, DTLS or QUIC and whose ClientHello could not be read"},
		{"tls.other", Int, "TCP conversations of the device with data from both sides that are not TLS"},
		{"tls.destinations", Int, "destinations (server name or address, and port) of the device's TLS"},
		{"tls.destinations_names", List, "these destinations, as name:port"},
		{"tls.internet", Int, "of these, those on the internet"},
		{"tls.local", Int, "of these, those on the local network"},
		{"tls.beyond_limit", Int, "hellos and conversations to destinations beyond those that are told apart"},
		{"tls.share_13", Double, "share of the internet destinations to which every hello offered TLS 1.3, 0 to 1"},
		{"tls.stacks", Int, "different TLS clients in the device, by versions, suites, groups and signatures offered"},
		{"tls.served", Int, "TLS hellos of others to the device's own services"},
		{"tls.served_keys", List, "SHA-256 of the public keys that the device's own services showed in clear"},
	}
	for _, d := range tlsDecls() {
		out = append(out, Decl{d.key, Int, d.doc}, Decl{d.key + "_names", List, d.doc + ": which, with the reason where there is one"})
	}
	return out
}
