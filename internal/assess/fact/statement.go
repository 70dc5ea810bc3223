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
		{statedFirstPassword, "how the device gets its password at first use: forced (it demands one), label (a unique one is printed on it), optional, none, or app (set in a cloud app)"},
		{statedFunctionN1, "yes when the device did its job on the network with IPv4 only, no when it did not"},
		{statedFunctionN3, "yes when the device did its job on the network with IPv6 only, no when it did not"},
		{statedOtherKeys, "public keys of another unit of the product, as its report lists them (SHA-256), separated by commas"},
		{statedPasswordState, "set when the device's password was set before it was asked, factory when it is as delivered"},
		{statedServices, "the ports that the supplier declares as needed, such as tcp/443, udp/5353; or none"},
		{"setup-captured", "yes when the capture holds the device's first set-up, no when it does not"},
		{statedHosts, "host names that deliver updates, separated by commas"},
		{statedUpdates, "none when the supplier declares that the device takes no updates"},
		{statedVendor, "the supplier's own domains, separated by commas: look-ups then judge only names in them"},
	}
}
