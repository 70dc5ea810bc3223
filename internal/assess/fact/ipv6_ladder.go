package fact

func ipv6LadderSchema() []Decl {
	return []Decl{
		{"ipv6.ladder", Text, "how far the device gets with IPv6, as the log shows: I0 no IPv6, I1 link-local only, I2 global address and DNS over IPv6, I3 data to the internet over IPv6 where IPv4 is there too, I4 on IPv6 only the destinations of IPv4, I5 the operator confirms that it works there; absent when the network offered none or the log does not settle it"},
		{"ipv6.blame", Text, "what holds the device back, from I4 where a network with IPv6 only was offered, else from I3: DEVICE, SERVICE (no IPv6 address, or no answer from the server) or NETWORK (nothing offered, or nothing answered); absent when nothing does or when it is open"},
	}
}

// ladderMinutes is how long a device must have had the offer of IPv6 before its
// silence means anything: a router advertises at least every half hour, but a
// host that joins solicits at once (RFC 4861 section 6.3.7).
const ladderMinutes = 2

// ladderLens places a host on the IPv6 ladder. It keeps nothing of its own: it
// reads what the other lenses have stated and so must come after them.
type ladderLens struct{}

func (ladderLens) wants() wanted { return wanted{} }

func (ladderLens) see(*world, *sighting, Role) {}

func (ladderLens) state(w *world, out *Sheet) {
	if w.routers[w.host] {
		return
	}
	view := ladderView{out}
	if step, why := view.step(); step != "" {
		out.Text("ipv6.ladder", step, why)
	}
	if blame, why := view.blame(); blame != "" {
		out.Text("ipv6.blame", blame, why)
	}
}

// ladderView reads the facts that the ladder is made of.
type ladderView struct{ *Sheet }

func (v ladderView) count(key string) (int, Because) {
	f, _ := v.Get(key)
	b := Because{seen: f.Seen}
	for i := range f.Because {
		b.events = append(b.events, &f.Because[i])
	}
	switch x := f.Value.(type) {
	case int64:
		return int(x), b
	case []string:
		return len(x), b
	case bool:
		if x {
			return 1, b
		}
	}
	return 0, b
}

func (v ladderView) has(key string) bool {
	n, _ := v.count(key)
	return n > 0
}

// settled says that what was not seen did not happen: the offer stood for long
// enough, the joining is in the log and nothing is missing.
func (v ladderView) settled() bool {
	f, _ := v.Get("ipv6.offered_minutes")
	minutes, _ := f.Value.(float64)
	return v.has("ipv6.offered") && v.has("ipv6.join_seen") && v.has("capture.gapless") && minutes >= ladderMinutes
}

func (v ladderView) step() (string, Because) {
	if step, why := v.stepV6Only(); step != "" {
		return step, why
	}
	if n, why := v.count("ipv6.dual_data"); n > 0 {
		return "I3", why
	}
	if n, why := v.count("rdnss.queries_v6"); n > 0 && v.has("ipv6.global_used") {
		_, addrs := v.count("ipv6.global_used")
		why.Join(addrs)
		return "I2", why
	}
	if !v.settled() {
		return "", Because{}
	}
	if n, why := v.count("ipv6.seen"); n > 0 {
		return "I1", why
	}
	_, offer := v.count("ipv6.offered")
	return "I0", offer
}

// stepV6Only is the step that only a network without IPv4 shows.
func (v ladderView) stepV6Only() (string, Because) {
	if !v.has("net.essential") || !v.has("v6only.reached") || v.has("v6only.missing") || v.has("v6only.ipv4") {
		return "", Because{}
	}
	_, why := v.count("v6only.reached")
	if f, _ := v.Get("v6only.function"); f.Value == "yes" {
		return "I5", why
	}
	return "I4", why
}

func (v ladderView) blame() (string, Because) {
	if v.has("v6only.missing") {
		return v.blameMissing()
	}
	switch {
	case v.has("ipv6.internet_data"):
		return "", Because{}
	case !v.has("ipv6.offered"):
		return v.blameOffer()
	case v.has("ipv6.internet_flows") && !v.has("ipv6.internet_answered"):
		_, why := v.count("ipv6.internet_flows")
		return "NETWORK", why
	case !v.settled():
		return "", Because{}
	case !v.has("ipv6.global"):
		_, why := v.count("ipv6.offered")
		return "DEVICE", why
	default:
		return v.blameNames()
	}
}

// blameOffer is for a log without an offer of IPv6: that may have come before it
// began.
func (v ladderView) blameOffer() (string, Because) {
	if v.has("ipv6.global") {
		return "", Because{}
	}
	return "NETWORK", Because{}
}

// blameMissing says whose fault it is that a network with IPv6 only does not do:
// the network's before all others, for then nothing else is shown.
func (v ladderView) blameMissing() (string, Because) {
	for _, of := range [][2]string{
		{"v6only.by_network", "NETWORK"}, {"v6only.by_open", ""}, {"v6only.by_device", "DEVICE"}, {"v6only.by_service", "SERVICE"},
	} {
		if n, why := v.count(of[0]); n > 0 {
			if of[1] == "DEVICE" && !v.hadTime() {
				return "", Because{}
			}
			return of[1], why
		}
	}
	return "", Because{}
}

// hadTime says that the device joined the network with IPv6 only and had some time
// there, so that what it did not do it can be blamed for.
func (v ladderView) hadTime() bool {
	f, _ := v.Get("v6only.minutes")
	minutes, _ := f.Value.(float64)
	return v.has("v6only.joined") && minutes >= ladderMinutes
}

// blameNames splits the fault of a device with a global address that sends no
// data from it: it never asks for IPv6 addresses, or there are none to be had.
func (v ladderView) blameNames() (string, Because) {
	asked, why := v.count("ipv6.names")
	aaaa, whyAAAA := v.count("ipv6.names_aaaa")
	having, _ := v.count("ipv6.names_with_v6")
	v4, whyV4 := v.count("ipv6.names_v4_first")
	switch {
	case asked == 0:
		return "", Because{}
	case aaaa == 0:
		return "DEVICE", why
	case v4 > 0:
		return "DEVICE", whyV4
	case aaaa == asked && having == 0:
		return "SERVICE", whyAAAA
	default:
		return "", Because{}
	}
}
