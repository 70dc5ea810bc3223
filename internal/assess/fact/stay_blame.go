package fact

// Whose fault it is that a destination was not reached.
const (
	blameDevice  = "device"
	blameService = "service"
	blameNetwork = "network"
	blameOpen    = "open"
)

// blame says whose fault it is that an essential destination was not reached on the
// network with IPv6 only: was is what it was on N1, e what was tried now (nil for
// nothing). The device is blamed only for what it did not do although the network
// had offered all that it takes.
func (s *stay) blame(out *Sheet, was, e *stayEnd) (who, text string) {
	switch {
	case s.offered.Seen() == 0:
		return blameNetwork, "NETWORK: no router advertised IPv6"
	case s.down.Seen() > 0:
		return blameNetwork, "NETWORK: the way to the internet was down"
	case e != nil && e.answered:
		return blameService, "SERVICE: its server answered and sent no data"
	case e != nil && (e.native || e.translatedTry):
		return s.blameSilence(e)
	default:
		return s.blameAbsence(out, was)
	}
}

// blameAbsence is for a destination that was not tried over IPv6.
func (s *stay) blameAbsence(out *Sheet, was *stayEnd) (who, text string) {
	gapless, _ := out.Get("capture.gapless")
	switch {
	case gapless.Value != true:
		return blameOpen, "the evidence has gaps"
	case s.global.Seen() == 0:
		return blameDevice, "DEVICE: it had no IPv6 address"
	case was.name == "":
		return blameDevice, "DEVICE: no name was asked for it; an IPv4 address is built in"
	default:
		return blameLookup(out, s.names[was.name])
	}
}

// blameSilence is for a conversation over IPv6 that nobody answered. It is the
// server's fault when others could be reached the same way.
func (s *stay) blameSilence(e *stayEnd) (who, text string) {
	for _, key := range sortedKeys(s.ends) {
		other := s.ends[key]
		if other.data && (other.translated && e.translatedTry || other.native && e.native) {
			return blameService, "SERVICE: its server did not answer"
		}
	}
	return blameNetwork, "NETWORK: nothing was answered that way"
}

// blameLookup is for a name with which no conversation was opened.
func blameLookup(out *Sheet, n *stayName) (who, text string) {
	hidden, _ := out.Get("dns.encrypted")
	switch {
	case n != nil && n.has6:
		return blameDevice, "DEVICE: it was told the IPv6 address and opened no conversation"
	case hidden.Value != int64(0):
		return blameOpen, "its questions may have been encrypted"
	case n == nil:
		return blameDevice, "DEVICE: it did not ask for the name"
	case !n.aaaa:
		return blameDevice, "DEVICE: it did not ask for the IPv6 address"
	case n.answered:
		return blameNetwork, "NETWORK: DNS64 gave no IPv6 address"
	default:
		return blameNetwork, "NETWORK: DNS did not answer"
	}
}
