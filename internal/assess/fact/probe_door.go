package fact

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

func (v *probeView) stateDoors(out *Sheet) {
	v.pick(func(*probeService) bool { return true }).state(out, "probe.open")
	v.pick(func(s *probeService) bool { return s.name == "" && !s.udp }).state(out, "probe.unnamed")
	v.pick(isLegacy).state(out, "probe.legacy")
	v.pick(func(s *probeService) bool {
		return !s.udp && slices.Contains(legacyPorts, s.port) && !isLegacy(s)
	}).state(out, "probe.legacy_closing")
	v.pick(isDebug).state(out, "probe.debug")
	v.pick(func(s *probeService) bool {
		return !s.udp && slices.Contains(debugPorts, s.port) && s.name == ""
	}).state(out, "probe.debug_unclear")
}

// isLegacy says that a service was heard that carries commands or files in clear.
func isLegacy(s *probeService) bool {
	if s.udp {
		return s.port == portTFTP
	}
	return s.heard() && slices.Contains([]string{"telnet", "ftp", "tftp", "rlogin", "rsh", "rexec"}, s.name)
}

func isDebug(s *probeService) bool {
	return !s.udp && s.heard() && slices.Contains([]string{"adb", "gdb", "gdbserver", "debug", "jtag"}, s.name)
}

// statedServices names the ports that the supplier declares.
const statedServices = "services"

// stateDeclared compares the open ports with those that the supplier declares.
func (v *probeView) stateDeclared(w *world, out *Sheet) {
	declared, said := declaredPorts(w.closing.Statements[statedServices])
	out.Bool("statement.services", said, Because{})
	undeclared := func(s *probeService) bool { return !s.isDiscovery() && !declared[s.probePort.String()] }
	v.pick(undeclared).state(out, "probe.undeclared")
	v.pick(func(s *probeService) bool { return undeclared(s) && s.isGrave() }).state(out, "probe.undeclared_grave")
	v.pick(func(s *probeService) bool { return undeclared(s) && s.name == "" }).state(out, "probe.undeclared_unnamed")
}

// declaredPorts reads a list such as "tcp/443, udp/5353", or "none". A list with
// anything else in it says nothing.
func declaredPorts(list string) (map[string]bool, bool) {
	list = strings.ToLower(strings.TrimSpace(list))
	if list == "" {
		return nil, false
	}
	out := map[string]bool{}
	for p := range strings.SplitSeq(list, ",") {
		p = strings.TrimSpace(p)
		if p != "none" && !declaredPort.MatchString(p) {
			return nil, false
		}
		out[p] = true
	}
	return out, true
}

var declaredPort = regexp.MustCompile(`^(tcp|udp)/[1-9][0-9]{0,4}$`)

// isGrave says that a port manages the device, debugs it, or carries pictures or sound.
func (s *probeService) isGrave() bool {
	if s.asks() || len(s.opened) > 0 || isLegacy(s) || isDebug(s) {
		return true
	}
	return slices.Contains([]string{"ssh", "snmp", "rtsp", "rtsps", "rtmp", "vnc", "rdp"}, s.name)
}

// stateOpened tells what the services give away without a password.
func (v *probeView) stateOpened(out *Sheet) {
	var opened, unclear, page, challenged, unasked some
	for _, s := range v.order {
		switch {
		case len(s.opened) > 0:
			opened.lines = append(opened.lines, s.opened...)
			opened.why.Join(s.door.because)
		case s.isDiscovery():
		case s.unclear:
			unclear.add(s, "")
		case s.page && !s.asks():
			page.add(s, "")
		case s.asks():
			challenged.add(s, s.how)
		default:
			unasked.add(s, "")
		}
	}
	opened.state(out, "probe.opened")
	unclear.state(out, "probe.unclear")
	page.state(out, "probe.page")
	challenged.state(out, "probe.challenged")
	unasked.state(out, "probe.unasked")
}

// isFar says that a question came from outside of the device's network.
func isFar(w *world, box netip.Addr) bool { return w.scope(box) == ScopeInternet }
