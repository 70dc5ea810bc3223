package fact

// newLenses makes one of each lens, for one host.
func newLenses() []lens {
	return []lens{
		&captureLens{},
		&dnsLens{},
		&loginLens{},
		&flowLens{},
		&opaqueLens{},
		&exposedLens{},
		&announceLens{},
		&recipientLens{},
		&updateLens{},
		&tlsLens{},
		&ipv6Lens{},
		&familyLens{},
		&rdnssLens{},
		&joinLens{},
		&portMapLens{},
		&trafficLens{},
		ladderLens{}, // reads what those before it stated, so it is last
	}
}
