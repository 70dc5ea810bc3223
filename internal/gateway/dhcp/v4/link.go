package v4

// Link is the LAN port as the server sees it. Receive, Hear and Send may be
// called at the same time by different goroutines; Close ends blocked calls.
type Link interface {
	// Receive waits for a message to UDP port 67 and fills buf with its payload.
	Receive(buf []byte) (int, error)
	// Hear waits for an ARP packet and fills buf with its Ethernet frame.
	Hear(buf []byte) (int, error)
	// Send puts a whole Ethernet frame on the cable.
	Send(frame []byte) error
	// Address is the port's own MAC address.
	Address() MAC
	Close() error
}
