package fact

import (
	"cmp"
	"slices"
	"strings"

	"assay/internal/assess/event"
)

// probeService is what is known of one open port.
type probeService struct {
	probePort
	name    string // protocol, lower case, cleaned; "" when unknown
	told    string // the same, as a note has it
	how     string // it asks for a password, in the words of the notes; "" when unknown
	door    *probeDoor
	talks   []*probeTalk // in order
	opened  []string     // what was open without a password
	unclear bool         // what came cannot be judged
	page    bool         // a page without a password, nothing more
	banners []string
	keys    []string // SHA-256 of public keys
	logins  probeLogins
	wrong   probeWrong
}

func (s *probeService) String() string {
	if s.name == "" {
		return s.probePort.String()
	}
	return s.probePort.String() + " " + s.name
}

// probeView is what the notes and the packets show together.
type probeView struct {
	services map[probePort]*probeService
	order    []*probeService // by port
	unbacked Because
	latest   map[probeEnds]*probeTalk // in which the device was heard, by its end alone
}

func (l *probeLens) view() *probeView {
	v := &probeView{services: map[probePort]*probeService{}, latest: map[probeEnds]*probeTalk{}}
	for p, d := range l.ports {
		v.services[p] = &probeService{probePort: p, door: d}
	}
	for _, t := range l.queue {
		if t.continued != nil {
			continue
		}
		if t.heard() {
			v.latest[probeEnds{device: t.device, udp: t.udp}] = t
		}
		if s := v.services[probePort{t.udp, t.device.Port()}]; s != nil {
			s.talks = append(s.talks, t)
		}
	}
	for _, n := range l.notes {
		l.take(v, n)
	}
	for _, s := range v.services {
		s.settle()
		v.order = append(v.order, s)
	}
	slices.SortFunc(v.order, func(a, b *probeService) int {
		return cmp.Or(cmp.Compare(one(a.udp), one(b.udp)), cmp.Compare(a.port, b.port))
	})
	return v
}

// take believes a note whose packets are there.
func (l *probeLens) take(v *probeView, n probeSaid) {
	s := v.services[probePort{n.note.UDP, n.note.Server.Port()}]
	switch n.note.Kind {
	case event.ProbeLogins:
		s.sumLogins(n)
		return
	case event.ProbeScan, event.ProbeLockouts, event.ProbeUDP:
		return // the packets, and the notes of the single attempts, tell it
	}
	t := l.backing(v, n.note)
	if s == nil || t == nil {
		if mustBeHeard(n.note.Outcome) {
			v.unbacked.Add(n.by)
			s.missLogin(n)
		}
		return
	}
	s.believe(n, t)
}

// believe takes a note whose conversation is there.
func (s *probeService) believe(n probeSaid, t *probeTalk) {
	switch n.note.Kind {
	case event.ProbeService:
		s.takeService(n.note)
	case event.ProbeGet:
		s.takeGet(n.note, t)
	case event.ProbeTLS:
		s.takeKey(n.note, t)
	case event.ProbeLogin:
		s.takeLogin(n, t)
	case event.ProbeLockout:
		s.takeWrong(n)
	}
}

// mustBeHeard says that an outcome is an answer of the device, of which there must be
// packets.
func mustBeHeard(outcome string) bool {
	switch outcome {
	case event.ProbeAnswered, event.ProbeAccepted, event.ProbeRefused, event.ProbeLocked, event.ProbeSlowed, event.ProbeUnclear:
		return true
	default:
		return false
	}
}

// backing finds the conversation of a note, in which the device must have been heard.
// Only what is told of a service or of a page may leave out the end of the box.
func (l *probeLens) backing(v *probeView, n event.ProbeNote) *probeTalk {
	if n.Client.IsValid() {
		if t := l.talks[probeEnds{n.Client, n.Server, n.UDP}]; t != nil && t.heard() {
			return t
		}
		return nil
	}
	if n.Kind != event.ProbeService && n.Kind != event.ProbeGet {
		return nil
	}
	return v.latest[probeEnds{device: n.Server, udp: n.UDP}]
}

func (s *probeService) takeService(n event.ProbeNote) {
	s.told = event.Clean(strings.ToLower(n.Service))
	s.takeHow(n.Detail["login"])
	s.addBanner(n.Detail["banner"])
	s.addKey(n.Detail["spki"])
}

// takeHow keeps how a service asks for a password; that it asks outweighs that it
// does not.
func (s *probeService) takeHow(how string) {
	switch how {
	case "basic", "digest", "form", "prompt", "protocol":
		s.how = how
	case "none":
		s.how = cmp.Or(s.how, how)
	}
}

// asks says that a service asks for a password.
func (s *probeService) asks() bool { return s.how != "" && s.how != "none" }

func (s *probeService) takeGet(n event.ProbeNote, t *probeTalk) {
	s.takeHow(n.Detail["login"])
	if n.Outcome == event.ProbeUnclear {
		s.unclear = true
	}
	if n.Outcome != event.ProbeAnswered || n.Detail["login"] != "" && n.Detail["login"] != "none" {
		return
	}
	if t.http.answers > 0 && t.http.fine == 0 {
		return // the answer was read: it gave nothing
	}
	switch content := n.Detail["content"]; content {
	case "settings", "media", "shell", "messages":
		line := content + " at " + s.probePort.String()
		if path := n.Detail["path"]; path != "" {
			line += " " + event.Clean(path)
		}
		s.opened = append(s.opened, line)
	case "page":
		s.page = true
	}
}

// takeKey keeps the public key of a handshake that the packets show.
func (s *probeService) takeKey(n event.ProbeNote, t *probeTalk) {
	if t.tls != nil && t.tls.chosen || t.service == "ssh" || t.protocol == "ssh" {
		s.addKey(n.Detail["spki"])
	}
}

func (s *probeService) addKey(spki string) {
	const most = 16
	if isDigest(spki) && !slices.Contains(s.keys, spki) && len(s.keys) < most {
		s.keys = append(s.keys, spki)
	}
}

// isDigest says that a text is a SHA-256 in lower-case hexadecimal.
func isDigest(s string) bool {
	const digits = 64
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}

func (s *probeService) addBanner(text string) {
	const most = 16
	if text != "" && !slices.Contains(s.banners, text) && len(s.banners) < most {
		s.banners = append(s.banners, text)
	}
}

// settle adds what the packets of all conversations with a service show.
func (s *probeService) settle() {
	read := ""
	for _, t := range s.talks {
		s.addBanner(t.banner)
		s.addBanner(t.http.server)
		s.takeHTTP(t.http)
		if t.tls != nil && t.tls.leafAt != nil {
			s.addKey(t.tls.leaf.SPKI)
		}
		read = cmp.Or(read, t.service, plainProtocol(t.protocol))
	}
	switch {
	case s.handshakes() && s.told != "":
		s.name = s.told
	case s.handshakes():
		s.name = "tls"
	default:
		s.name = cmp.Or(event.Clean(read), s.told)
	}
}

// takeHTTP notes that a page asks for a password, where no note said how.
func (s *probeService) takeHTTP(h probeHTTP) {
	switch {
	case s.asks():
	case h.forms > 0:
		s.how = "form"
	case h.demands > 0:
		s.how = h.scheme
	}
}

// plainProtocol is a protocol that was read in the packets, or "" for TLS, which says
// nothing of what it carries.
func plainProtocol(p string) string {
	if p == "tls" || p == "dtls" || p == "quic" {
		return ""
	}
	return p
}

// handshakes says that the service chose a version and suite of TLS at least once.
func (s *probeService) handshakes() bool {
	return slices.ContainsFunc(s.talks, func(t *probeTalk) bool { return t.tls != nil && t.tls.chosen })
}

// heard says that the service sent payload.
func (s *probeService) heard() bool {
	return slices.ContainsFunc(s.talks, (*probeTalk).heard)
}

// isDiscovery knows the services by which devices find each other on the link.
func (s *probeService) isDiscovery() bool {
	return s.udp && slices.Contains([]uint16{1900, 3702, 5353, 5355}, s.port)
}

// some is a set of services with what there is to say.
type some struct {
	lines []string
	why   Because
}

func (c *some) add(s *probeService, detail string) {
	line := s.String()
	if detail != "" {
		line += " (" + detail + ")"
	}
	c.lines = append(c.lines, line)
	c.why.Join(s.door.because)
}

// state writes how many there are, and which.
func (c *some) state(out *Sheet, key string) {
	out.Int(key, len(c.lines), c.why)
	out.List(key+"_list", sortedUnique(c.lines), c.why)
}

// pick chooses services.
func (v *probeView) pick(is func(*probeService) bool) *some {
	c := &some{}
	for _, s := range v.order {
		if is(s) {
			c.add(s, "")
		}
	}
	return c
}

func (l *probeLens) state(w *world, out *Sheet) {
	v := l.view()
	scan := l.scan(w)
	l.stateScan(scan, out)
	out.Int("probe.unbacked", v.unbacked.Seen(), v.unbacked)
	var consent Because
	if w.asked.consent != nil {
		consent.Add(w.asked.consent)
	}
	out.Bool("probe.consent", consent.Seen() > 0, consent)
	v.stateDoors(out)
	v.stateDeclared(w, out)
	v.stateOpened(out)
	v.stateLogins(out)
	v.stateWrong(out)
	v.statePages(out)
	v.stateTLS(out)
	v.stateKeys(w, out)
	v.stateClear(out)
	v.stateReveals(out)
	l.stateUDP(w, out)
	stateFirstUse(w, out)
}
