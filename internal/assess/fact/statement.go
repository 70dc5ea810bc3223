package fact

// Statement is one thing that an operator may declare about a run, because no
// packet can show it.
type Statement struct {
	Key string
	Doc string // what it says and which values it takes
}

// Statements lists what may be declared, in order of the keys.
func Statements() []Statement {
	return []Statement{
		{statedFunctionN1, "yes when the device did its job on the network with IPv4 only, no when it did not"},
		{statedFunctionN3, "yes when the device did its job on the network with IPv6 only, no when it did not"},
		{"setup-captured", "yes when the capture holds the device's first set-up, no when it does not"},
		{statedHosts, "host names that deliver updates, separated by commas"},
		{statedUpdates, "none when the supplier declares that the device takes no updates"},
		{statedVendor, "the supplier's own domains, separated by commas: look-ups then judge only names in them"},
	}
}
