package show

import (
	"cmp"
	"encoding/json"
	"net"
	"strings"

	"assay/internal/assess/event"
	"assay/internal/panel"
	"assay/internal/run/session"
)

// Beat takes what happened in a run.
func (s *Show) Beat(b session.Beat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.of(b.Run)
	r.count(b)
	for _, e := range b.Events {
		if m, told := r.moment(e); told {
			r.remember(m)
		}
	}
	s.tell()
}

// count adds a beat to the second it belongs to.
func (r *run) count(b session.Beat) {
	at := b.At.Unix()
	for n := len(r.Traffic); n > 0 && r.Traffic[n-1].At < at-1; n = len(r.Traffic) {
		if at-r.Traffic[n-1].At > secondsMost {
			r.Traffic = nil
			break
		}
		r.Traffic = append(r.Traffic, panel.Second{At: r.Traffic[n-1].At + 1})
	}
	if n := len(r.Traffic); n == 0 || r.Traffic[n-1].At < at {
		r.Traffic = append(r.Traffic, panel.Second{At: at})
	}
	last := &r.Traffic[len(r.Traffic)-1]
	last.Sent, last.Received = last.Sent+b.Sent, last.Received+b.Received
	if over := len(r.Traffic) - secondsMost; over > 0 {
		r.Traffic = append([]panel.Second(nil), r.Traffic[over:]...)
	}
}

// again is how far back the same moment is counted rather than told anew.
const again = 8

// remember adds a moment, or counts it where it was told just before.
func (r *run) remember(m panel.Moment) {
	m.Times = 1
	for i := len(r.Did) - 1; i >= max(0, len(r.Did)-again); i-- {
		if r.Did[i].Kind == m.Kind && r.Did[i].About == m.About {
			m.Times += r.Did[i].Times
			r.Did = append(r.Did[:i:i], r.Did[i+1:]...)
			break
		}
	}
	r.Did = append(r.Did, m)
	if over := len(r.Did) - momentsMost; over > 0 {
		r.Did = append([]panel.Moment(nil), r.Did[over:]...)
	}
}

// moment says an event in the words of the panel, where people care for it.
func (r *run) moment(e event.Event) (m panel.Moment, told bool) {
	m = panel.Moment{At: e.At, Frame: uint64(e.Ref)}
	if n, ok := e.Body.(event.NoteSeen); ok {
		m.Kind, m.About = ours(n)
	} else if e.Device == r.mac {
		for _, tell := range []func(event.Event) (string, string){r.joining, r.encrypting, r.talking} {
			if m.Kind, m.About = tell(e); m.Kind != "" {
				break
			}
		}
	}
	m.About = clean(m.About)
	return m, m.Kind != ""
}

// The kinds of DHCP messages that are told (RFC 2132, section 9.6).
const (
	dhcpDiscover = 1
	dhcpAck      = 5
)

// joining tells what a device does to get into the network.
func (r *run) joining(e event.Event) (kind, about string) {
	switch b := e.Body.(type) {
	case event.DHCP4:
		return leasing(b)
	case event.AddressUsed:
		if b.Addr.Is6() && !b.Addr.IsUnspecified() {
			return "slaac", b.Addr.String()
		}
	case event.RouterSolicited:
		return "router", ""
	case event.Announced:
		if !b.Query && len(b.Names) > 0 {
			return "announced", b.Names[0]
		}
	}
	return "", ""
}

func leasing(b event.DHCP4) (kind, about string) {
	switch {
	case b.Type == dhcpDiscover:
		return "lease.ask", ""
	case b.Type == dhcpAck && b.YourAddr.IsValid() && !b.YourAddr.IsUnspecified():
		return "lease", b.YourAddr.String()
	}
	return "", ""
}

// encrypting tells what a device does in encrypted conversations.
func (r *run) encrypting(e event.Event) (kind, about string) {
	switch b := e.Body.(type) {
	case event.ClientHello:
		return "tls", r.name(e, b.SNI)
	case event.TLSAppData:
		if b.From == event.FromClient {
			return "tls.data", r.far(e)
		}
	case event.TLSAlert:
		if b.From == event.FromClient && (b.Encrypted || b.Description != 0) { // 0 closes in peace
			return "tls.alert", r.far(e)
		}
	}
	return "", ""
}

// talking tells what a device says in clear.
func (r *run) talking(e event.Event) (kind, about string) {
	switch b := e.Body.(type) {
	case event.DNSAsked:
		return "dns", strings.TrimSuffix(b.Name, ".")
	case event.HTTPRequest:
		return "http", cmp.Or(b.Host, r.far(e))
	case event.MQTTConnected:
		return "mqtt", r.far(e)
	case event.Login:
		return "login", r.far(e)
	case event.TimeAsked:
		return "time", r.far(e)
	case event.Exposed:
		if b.From == event.FromClient {
			return "exposed", r.far(e)
		}
	}
	return "", ""
}

// name remembers what the far end of a conversation is called.
func (r *run) name(e event.Event, name string) string {
	if name == "" {
		return r.far(e)
	}
	if len(r.names) >= namesMost {
		clear(r.names)
	}
	r.names[e.Flow] = name
	return name
}

// far is the far end of a conversation, by its name where that is known.
func (r *run) far(e event.Event) string {
	if name := r.names[e.Flow]; name != "" && e.Flow != 0 {
		return name
	}
	if e.Server.IsValid() {
		return e.Server.Addr().Unmap().String()
	}
	return ""
}

// ours tells what the box itself did.
func ours(n event.NoteSeen) (kind, about string) {
	switch n.Kind {
	case event.NoteStep:
		if b, _ := read[event.StepNote](n); b.Phase == event.Begun {
			return "box.step", b.Experiment + " " + b.Network
		}
	case event.NoteFaulted:
		if b, ok := read[event.FaultedNote](n); ok && !b.Unchanged && b.Canary.IsValid() {
			return "box.faulted", strings.TrimSuffix(b.Name, ".")
		}
	case event.NoteIntercept:
		return posed(n)
	case event.NoteProbe:
		b, _ := read[event.ProbeNote](n) // one that cannot be read has no service
		return named("box.probe", b.Service)
	}
	return "", ""
}

func posed(n event.NoteSeen) (kind, about string) {
	if b, ok := read[event.InterceptNote](n); ok && b.Phase == event.Begun {
		return "box.intercepted", cmp.Or(b.Name, b.Server.Addr().String())
	}
	return "", ""
}

// named is nothing to tell where there is no name.
func named(kind, about string) (string, string) {
	if about == "" {
		return "", ""
	}
	return kind, about
}

func read[T any](n event.NoteSeen) (body T, ok bool) {
	err := json.Unmarshal(n.JSON, &body)
	return body, err == nil
}

// hostOf is the host of a MAC address in its text form.
func hostOf(mac string) event.HostID {
	if m, err := net.ParseMAC(mac); err == nil && len(m) == 6 {
		return event.HostByMAC([6]byte(m))
	}
	return event.HostID{}
}
