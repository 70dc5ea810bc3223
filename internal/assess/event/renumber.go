package event

import "net/netip"

// NoteRenumber is the kind of the notes of a network that is given other addresses.
const NoteRenumber = "renumber"

// RenumberNote says which addresses the network has from now on. Between Begun and Ended
// the device finds this plan, and Ended comes before the usual one is back.
type RenumberNote struct {
	Phase Phase        `json:"phase"`
	IPv4  netip.Prefix `json:"ipv4"`
	IPv6  netip.Prefix `json:"ipv6,omitzero"`
	MTU   int          `json:"mtu,omitempty"` // told, 0 for none
	// Fresh is how the device was made to start afresh with these addresses, told
	// without a phase: "cable" of a cable that was pulled, else as in StepNote.
	Fresh string `json:"fresh,omitempty"`
}
