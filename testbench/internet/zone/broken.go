package zone

import "github.com/miekg/dns"

// broken are zones with one fault each; everything else about them is sound.
func broken() []spec {
	web := few(WebHost)
	p256 := dns.ECDSAP256SHA256
	return []spec{
		{name: "expired.example.", algorithm: p256, denial: nsec, fault: expired, link: dsGood, want: Bogus,
			why: "all signatures have expired", records: web},
		{name: "early.example.", algorithm: p256, denial: nsec, fault: notYetValid, link: dsGood, want: Bogus,
			why: "all signatures begin in the future", records: web},
		{name: "flipped.example.", algorithm: p256, denial: nsec, fault: flippedBit, link: dsGood, want: Bogus,
			why: "one bit of each signature over data is inverted", records: web},
		{name: "flipped-rsa.example.", algorithm: dns.RSASHA256, denial: nsec3, fault: flippedBit, link: dsGood, want: Bogus,
			why: "the same with algorithm 8", records: web},
		{name: "flipped-ed.example.", algorithm: dns.ED25519, denial: nsec, fault: flippedBit, link: dsGood, want: Bogus,
			why: "the same with algorithm 15", records: web},
		{name: "stripped.example.", algorithm: p256, denial: nsec, fault: noSignatures, link: dsGood, want: Bogus,
			why: "the parent has a DS, the zone has no signatures", records: web},
		{name: "evillock.example.", algorithm: p256, denial: nsec, fault: foreignSigner, signer: "lock.example.", link: dsGood, want: Bogus,
			why: "signed in the name of lock.example, which is no parent though the text ends alike", records: web},
		{name: "sister.example.", algorithm: p256, denial: nsec, fault: foreignSigner, signer: "cam.example.", link: dsGood, want: Bogus,
			why: "signed in the name of a zone beside it", records: web},
		{name: "no-denial.example.", algorithm: p256, denial: nsec, fault: noDenial, link: dsGood, want: Secure, wantDenied: Bogus,
			why: "says no without NSEC records", records: pair(WebHost)},
		{name: "no-denial3.example.", algorithm: p256, denial: nsec3, fault: noDenial, link: dsGood, want: Secure, wantDenied: Bogus,
			why: "says no without NSEC3 records", records: pair(WebHost)},
		{name: "bad-denial.example.", algorithm: p256, denial: nsec, fault: flippedDenial, link: dsGood, want: Secure, wantDenied: Bogus,
			why: "one bit of each signature over NSEC is inverted", records: pair(WebHost)},
		{name: "bad-denial3.example.", algorithm: p256, denial: nsec3, fault: flippedDenial, link: dsGood, want: Secure, wantDenied: Bogus,
			why: "one bit of each signature over NSEC3 is inverted", records: pair(WebHost)},
		{name: "no-wild.example.", algorithm: p256, denial: nsec, fault: strippedWildcard, link: dsGood, want: Secure,
			why: "sound, but *.dev comes without the proof that no closer name exists: bogus there", records: web},
		{name: "no-wild3.example.", algorithm: p256, denial: nsec3, fault: strippedWildcard, link: dsGood, want: Secure,
			why: "the same with NSEC3", records: web},
	}
}

func pair(host Host) string { return host.at("@") + host.at("www") }

// families are zones whose state is decided by what stands above them.
func families() []spec {
	web := few(WebHost)
	p256 := dns.ECDSAP256SHA256
	return []spec{
		{name: "no-proof.example.", link: dsProofStripped, want: Bogus,
			why: "unsigned, and the parent's NSEC proof of that is left out", records: web},
		{name: "no-proof.things.", link: dsProofStripped, want: Bogus,
			why: "unsigned, and the parent's NSEC3 proof of that is left out", records: web},
		{name: "other-key.example.", algorithm: p256, denial: nsec, link: dsOtherKey, want: Bogus,
			why: "the DS matches no key of the zone", records: web},
		{name: "other-key.things.", algorithm: dns.ED25519, denial: nsec3, link: dsOtherKey, want: Bogus,
			why: "the same below opt-out, algorithm 15", records: web},
		{name: "downgrade.example.", algorithm: p256, denial: nsec, link: dsDowngrade, want: Bogus,
			why: "the SHA-256 digest is wrong; that the SHA-1 digest fits must not help (RFC 4509)", records: web},
		{name: "new-algorithm.example.", algorithm: p256, denial: nsec, link: dsUnknownAlgorithm, want: Insecure,
			why: "the DS has an algorithm that nobody knows (RFC 4035, section 5.2)", records: web},
		{name: "new-digest.example.", algorithm: p256, denial: nsec, link: dsUnknownDigest, want: Insecure,
			why: "the DS has a digest type that nobody knows", records: web},
		{name: "island.example.", algorithm: p256, denial: nsec, link: dsAbsent, want: Insecure,
			why: "signed, but the parent proves that there is no DS", records: web},
		{name: "shore.island.example.", algorithm: p256, denial: nsec, link: dsGood, want: Insecure,
			why: "a sound child of a zone without DS", records: web},
		{name: "iterations.example.", algorithm: p256, denial: nsec3, iterations: 600, salt: "aabbccdd", link: dsGood,
			want: Secure, wantDenied: Insecure, why: "NSEC3 with more iterations than anybody should compute (RFC 9276, section 3.2)", records: pair(WebHost)},
		{name: "site.iterations.example.", link: dsAbsent, want: Insecure,
			why: "unsigned; the proof of that has too many iterations", records: web},
		{name: "lab.cam.example.", algorithm: dns.ED25519, denial: nsec3, link: dsGood, want: Secure,
			why: "a signed zone below a vendor's, other algorithm", records: web},
		{name: "open.cam.example.", link: dsAbsent, want: Insecure,
			why: "an unsigned zone below a vendor's signed one", records: web},
		{name: "open.sensor.example.", link: dsAbsent, want: Insecure,
			why: "an unsigned zone below one with NSEC3 without opt-out", records: web},
		{name: "shop.kettle.things.", link: dsAbsent, want: Insecure,
			why: "an unsigned zone below an unsigned one", records: web},
		{name: "sub.flipped.example.", algorithm: p256, denial: nsec, link: dsGood, want: Bogus,
			why: "a sound zone whose DS above has a damaged signature", records: web},
		{name: "open.expired.example.", link: dsAbsent, want: Bogus,
			why: "unsigned, and the proof of that has expired", records: web},
	}
}
