package fact

import (
	"fmt"
	"regexp"
	"slices"

	"assay/internal/assess/event"
)

// webPorts are those at which a browser is usually pointed.
var webPorts = []uint16{80, 81, 8000, 8008, 8080, 8081, 8088, 8888}

// isClearWeb says that a service answered HTTP in clear. A service of TLS that
// complains about clear HTTP is none.
func isClearWeb(s *probeService) bool {
	return !s.udp && !s.handshakes() && (s.name == "http" || s.answersHTTP())
}

func (s *probeService) answersHTTP() bool {
	return slices.ContainsFunc(s.talks, func(t *probeTalk) bool { return t.http.answers > 0 })
}

// statePages tells how the device's own pages are reached.
func (v *probeView) statePages(out *Sheet) {
	var clear, login, redirects, plain, mute, secure some
	for _, s := range v.order {
		switch {
		case isClearWeb(s) && s.answersHTTP():
			clear.add(s, "")
			s.sortPage(&login, &redirects, &plain)
		case s.isMuteWeb():
			mute.add(s, "")
		case s.handshakes() && s.told == "https":
			secure.add(s, "")
		}
	}
	clear.state(out, "probe.page_http")
	login.state(out, "probe.page_http_login")
	redirects.state(out, "probe.page_redirects")
	plain.state(out, "probe.page_plain")
	mute.state(out, "probe.page_mute")
	secure.state(out, "probe.page_https")
}

// isMuteWeb says that a port should answer HTTP and did not.
func (s *probeService) isMuteWeb() bool {
	usual := !s.udp && slices.Contains(webPorts, s.port) && s.name == ""
	return usual || s.name == "http" && !s.answersHTTP()
}

// sortPage says what a page in clear does: ask for a password, lead to HTTPS alone, or
// neither.
func (s *probeService) sortPage(login, redirects, plain *some) {
	sum := probeHTTP{}
	for _, t := range s.talks {
		sum.demands += t.http.demands + t.http.forms
		sum.redirects += t.http.redirects
		sum.fine += t.http.fine
	}
	switch {
	case s.asks() || sum.demands > 0:
		login.add(s, s.how)
	case sum.redirects > 0 && sum.fine == 0:
		redirects.add(s, "")
	default:
		plain.add(s, "")
	}
}

// localKind is a kind of service between machines, by its clear and encrypted forms.
type localKind struct{ name, clear, encrypted string }

func localKinds() []localKind {
	return []localKind{
		{"MQTT", "mqtt", "mqtts"}, {"RTSP", "rtsp", "rtsps"}, {"CoAP", "coap", "coaps"},
		{"WebSocket", "ws", "wss"}, {"remote shell", "telnet", "ssh"},
	}
}

// localPorts are the ports at which such services are usual.
var localPorts = []uint16{22, 23, 322, 554, 1883, 8554, 8883}

// stateClear tells which services between machines are open in clear.
func (v *probeView) stateClear(out *Sheet) {
	var clear, encrypted, alone some
	for _, k := range localKinds() {
		has := func(name string) func(*probeService) bool {
			return func(s *probeService) bool { return s.name == name && s.heard() }
		}
		c, e := v.pick(has(k.clear)), v.pick(has(k.encrypted))
		clear.join(c)
		encrypted.join(e)
		if len(e.lines) == 0 {
			alone.join(c)
		}
	}
	clear.state(out, "probe.clear_services")
	alone.state(out, "probe.clear_only")
	encrypted.state(out, "probe.encrypted_services")
	v.pick(func(s *probeService) bool {
		return !s.udp && slices.Contains(localPorts, s.port) && s.name == ""
	}).state(out, "probe.local_unnamed")
}

func (c *some) join(other *some) {
	c.lines = append(c.lines, other.lines...)
	c.why.Join(other.why)
}

// protocolWords are versions of protocols, which every greeting has.
var (
	protocolWords = regexp.MustCompile(`(?i)\b(SSH-|HTTP/|RTSP/|UPnP/|SIP/)\d+\.\d+`)
	versionWords  = regexp.MustCompile(`\d+\.\d+|_\d|/\d|\bv\d`)
)

// stateReveals tells what greetings and pages reveal before login.
func (v *probeView) stateReveals(out *Sheet) {
	var versions, secrets some
	for _, s := range v.order {
		for _, b := range s.banners {
			if versionWords.MatchString(protocolWords.ReplaceAllString(b, "")) {
				versions.add(s, event.Clean(b))
			}
		}
		for _, t := range s.talks {
			s.addExposed(t, &versions, &secrets)
		}
	}
	versions.state(out, "probe.reveals")
	secrets.state(out, "probe.reveals_secrets")
}

// addExposed sorts what was readable: secrets, and what names the unit.
func (s *probeService) addExposed(t *probeTalk, versions, secrets *some) {
	for _, k := range t.exposed {
		switch k {
		case event.ExposedKey, event.ExposedJWT, event.ExposedWiFi, event.ExposedCanary, event.ExposedPersonal:
			secrets.add(s, string(k))
		case event.ExposedSerial, event.ExposedMAC:
			versions.add(s, string(k))
		default: // pictures and free text are judged by what is open
		}
	}
}

// stateUDP compares the sizes of questions and answers over UDP.
func (l *probeLens) stateUDP(w *world, out *Sheet) {
	worst, far := 0.0, 0.0
	var answered, why, whyFar Because
	var lines []string
	for _, t := range l.queue {
		if !t.udp || t.continued != nil || t.asked == 0 || t.got == 0 {
			continue
		}
		answered.Add(t.by)
		ratio := float64(t.got) / float64(t.asked)
		lines = append(lines, fmt.Sprintf("udp/%d: %d bytes for %d", t.device.Port(), t.got, t.asked))
		if ratio > worst {
			worst, why = ratio, Because{}
			why.Add(t.by)
		}
		if isFar(w, t.box.Addr()) && ratio > far {
			far, whyFar = ratio, Because{}
			whyFar.Add(t.by)
		}
	}
	out.Int("probe.udp_answered", answered.Seen(), answered)
	out.List("probe.udp_list", sortedUnique(lines), answered)
	out.Double("probe.udp_ratio", worst, why)
	out.Double("probe.udp_ratio_far", far, whyFar)
}
