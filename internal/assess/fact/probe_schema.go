package fact

import "fmt"

// probeSchema declares what the box found out by asking the device itself. Counts of
// services have a list of them beside; a service is an open port, at whichever address.
func probeSchema() []Decl {
	out := []Decl{
		{"probe.asked", Int, "conversations that the box announced and began with the device, TCP and UDP, answered or not"},
		{"probe.unbacked", Int, "notes about an answer of the device of which the log holds no packets; they do not count"},
		{"probe.beyond_limit", Int, "conversations, notes and ports beyond those that are kept"},
		{"probe.consent", Bool, "the log holds the written consent to attempts to log in"},
		{"probe.scanned", Bool, "ports of the device were tried over TCP and at least one was accepted or refused"},
		{"probe.ports_tried", Int, "different TCP ports that were tried, at any address of the device"},
		{"probe.scan_full", Bool, "all TCP ports were tried over IPv4 and, if the device uses IPv6, over IPv6 (at a global address if it has one), it still answered after the last one, and no scan was stopped"},
		{"probe.scan_full_ipv4", Bool, "all TCP ports of an IPv4 address were tried, and it still answered after the last one"},
		{"probe.scan_full_ipv6", Bool, "the same for an IPv6 address, a global one if the device has one"},
		{"probe.scan_patchy", Bool, fmt.Sprintf("at an address where ports were refused, more than %.0f %% of those tried, and more than %d, got no answer: the device may limit its answers", 100*probePatchy, probePatchyLeast)},
		{"probe.scan_stopped", Int, "scans that ended before all their ports were tried"},
		{"probe.scan_list", List, "each address with how many ports were tried and how many answered"},
		{"probe.answers_ipv4", Bool, "a port was accepted or refused over IPv4"},
		{"probe.answers_ipv6", Bool, "a port was accepted or refused over IPv6"},
		{"probe.legacy_tried", Int, fmt.Sprintf("of the TCP ports %v and UDP port %d, those that were tried", legacyPorts, portTFTP)},
		{"probe.debug_tried", Int, fmt.Sprintf("of the TCP ports %v, those that were tried", debugPorts)},
		{"probe.udp_tried", Int, fmt.Sprintf("of the UDP ports %v, those that were asked", udpPorts)},
		{"probe.udp_answered", Int, "questions over UDP that were answered"},
		{"probe.udp_list", List, "each of these with the bytes of payload of answer and question"},
		{"probe.udp_ratio", Double, "largest quotient of the payload of all answers to one question over UDP and of the question; 0 without an answer"},
		{"probe.udp_ratio_far", Double, "the same among questions from an address outside of the device's network"},
		{"probe.login_tried", Int, "factory passwords that were tried with consent and clearly accepted or refused, as the packets show"},
		{"statement.services", Bool, "the operator states which ports the supplier declares as needed"},
		{"statement.first_password", Text, "what the operator states of the password at first use: forced, label, optional, none or app; open without a statement"},
		{"statement.password_state", Text, "whether the operator states that the device's password was set or is as from the factory: set, factory or open"},
		{"statement.other_keys", Bool, "the operator states the public keys of another unit"},
	}
	for _, d := range probeLists() {
		out = append(out, Decl{d.Key, Int, d.Doc}, Decl{d.Key + "_list", List, d.Doc + ": which, with what there is to say"})
	}
	return out
}

// probeLists declares the counts that have a list.
func probeLists() []Decl {
	return append(probeDoorLists(), []Decl{
		{"probe.page_http", Int, "services that answered HTTP in clear"},
		{"probe.page_http_login", Int, "of these, those that ask for a password in clear"},
		{"probe.page_redirects", Int, "of these, those that only lead to HTTPS"},
		{"probe.page_plain", Int, "of these, those that do neither"},
		{"probe.page_mute", Int, "open ports that are usual for HTTP and gave no answer to it"},
		{"probe.page_https", Int, "services that answered HTTPS"},
		{"probe.tls_services", Int, "services that chose a version and suite of TLS"},
		{"probe.tls_insufficient", Int, "of these, those that chose less than TLS 1.2, or a static or broken suite"},
		{"probe.tls_phase_out", Int, "of these, those that chose a suite to phase out, an outdated hash, a weak group, or no extended master secret"},
		{"probe.tls_unrated", Int, "of these, those that chose a suite that is not rated"},
		{"probe.tls_unsettled", Int, "of these, those that were not seen to choose or refuse each of: TLS 1.0 or 1.1, suites to phase out, static suites, broken suites"},
		{"probe.tls_mute", Int, "services that should speak TLS and chose nothing"},
		{"probe.keys", Int, "different public keys of the device's TLS and SSH services, as SHA-256"},
		{"probe.keys_shared", Int, "of these, those that the operator states for another unit"},
		{"probe.keys_unseen", Int, "TLS and SSH services whose public key was not seen"},
		{"probe.clear_services", Int, "MQTT, RTSP, CoAP, WebSocket and Telnet services in clear that answered"},
		{"probe.clear_only", Int, "of these, those of a kind that has no encrypted service beside"},
		{"probe.encrypted_services", Int, "MQTT, RTSP, CoAP, WebSocket and SSH services in their encrypted form that answered"},
		{"probe.local_unnamed", Int, "open ports usual for such services whose protocol is not known"},
		{"probe.reveals", Int, "greetings and headers before login that tell a version, and answers with the MAC address or serial number"},
		{"probe.reveals_secrets", Int, "answers before login with a key, token, Wi-Fi name or key, planted canary or personal name readable in them"},
	}...)
}

func probeDoorLists() []Decl {
	return []Decl{
		{"probe.open", Int, "open ports of the device: TCP that was accepted, UDP that was answered"},
		{"probe.unnamed", Int, "of these, TCP ports whose protocol is not known"},
		{"probe.undeclared", Int, "open ports that the supplier does not declare, as far as the operator states it, discovery on the local network left out"},
		{"probe.undeclared_grave", Int, "of these, those that ask for a password, manage or debug the device, or carry pictures or sound"},
		{"probe.undeclared_unnamed", Int, "of these, those whose protocol is not known"},
		{"probe.legacy", Int, "Telnet, FTP, TFTP, rlogin and rsh services that were heard"},
		{"probe.legacy_closing", Int, "open ports usual for these at which none of them was heard"},
		{"probe.debug", Int, "services for debugging (ADB, gdbserver, vendor's) that were heard"},
		{"probe.debug_unclear", Int, "open ports usual for these whose protocol is not known"},
		{"probe.ipv6_only", Int, "ports open over IPv6 that were tried over IPv4 and are not open there"},
		{"probe.opened", Int, "settings, pictures or sound, shells and messages that were open without a password"},
		{"probe.unclear", Int, "services whose answer without a password a person must judge"},
		{"probe.page", Int, "services that showed a page without a password, and nothing more"},
		{"probe.challenged", Int, "services that ask for a password before they show anything, discovery left out"},
		{"probe.unasked", Int, "open ports, discovery left out, of which it is not known what they show"},
		{"probe.login_services", Int, "services that ask for a password"},
		{"probe.login_unknown", Int, "open ports, discovery left out, of which it is not known whether they ask for a password"},
		{"probe.login_accepted", Int, "services that accepted a factory password"},
		{"probe.login_settled", Int, "services that refused every candidate, all of them tried"},
		{"probe.login_troubled", Int, "services at which attempts ended otherwise: locked, slowed, unclear, stopped, or without packets or consent"},
		{"probe.login_untried", Int, "services that ask for a password at which the candidates were not all tried"},
		{"probe.guess_limited", Int, "services that stopped wrong passwords, or took twice as long and a second or more by the end"},
		{"probe.guess_delayed", Int, fmt.Sprintf("services that answered each of %d wrong passwords after a second or more", probeTries)},
		{"probe.guess_unlimited", Int, fmt.Sprintf("services that refused %d wrong passwords at full speed", probeTries)},
		{"probe.guess_short", Int, "services at which fewer wrong passwords were clearly refused"},
	}
}
