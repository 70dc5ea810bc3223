package fact

import "sort"

// Schema declares every fact there is, in order of the keys.
func Schema() []Decl {
	var all []Decl
	for _, part := range [][]Decl{
		captureSchema(),
		dnsSchema(),
		timeSchema(),
		loginSchema(),
		clearSchema(),
		updateSchema(),
		tlsSchema(),
		forgedSchema(),
		fallbackSchema(),
		foreignSchema(),
		pairSchema(),
		lookupSchema(),
		probeSchema(),
		ipv6Schema(),
		ipv6NamesSchema(),
		ipv6DNSSchema(),
		ipv6LadderSchema(),
		staySchema(),
		mannersSchema(),
		renumberSchema(),
		clockSchema(),
		joinSchema(),
		portMapSchema(),
		trafficSchema(),
	} {
		all = append(all, part...)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Key < all[j].Key })
	return all
}

func schemaByKey() map[string]Decl {
	all := Schema()
	byKey := make(map[string]Decl, len(all))
	for _, d := range all {
		byKey[d.Key] = d
	}
	return byKey
}
