package fact

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/internal/assess/event"
)

func loginSchema() []Decl {
	return []Decl{
		{"login.total", Int, "logins readable on the wire, of the device anywhere and of others at the device, whatever their outcome"},
		{"login.clear", Int, "different logins whose secret was readable: of the device anywhere, and of others at a service of the device that answered"},
		{"login.clear_out", Int, "of login.clear, those that the device itself sent"},
		{"login.clear_in", Int, "of login.clear, those at a service of the device"},
		{"login.clear_list", List, "each login with a readable secret: service, where and user name; never the secret"},
		{"login.digest", Int, "logins with a digest or challenge, whose secret was not readable as such"},
		{"login.listed_own", Int, "a well-known factory password accepted by a service of the device, and not only in its first set-up"},
		{"login.listed_own_setup", Int, "a well-known factory password accepted by a service of the device, but the log holds the first set-up and no later use"},
		{"login.listed_own_unseen", Int, "a well-known factory password tried at a service of the device, the answer was not seen"},
		{"login.listed_own_refused", Int, "a well-known factory password tried at a service of the device and refused"},
		{"login.listed_own_open", Int, "a well-known factory password sent to a page of the device that answered it, but was not seen to demand one"},
		{"login.listed_far", Int, "the device logged in to an internet service with a well-known factory password, and it was accepted"},
		{"login.listed_near", Int, "the device logged in to a service on the local network with a well-known factory password, and it was accepted"},
		{"login.listed_sent", Int, "the device sent a well-known factory password, and the answer was not seen or came from a page that was not seen to demand one"},
		{"login.listed_sent_refused", Int, "the device sent a well-known factory password, and it was refused"},
		{"login.listed_list", List, "each login with a well-known factory password: service, where, user name and outcome"},
		{"login.derived", Int, "secrets in use that contain or follow from a public identifier of the device by a simple rule"},
		{"login.derived_list", List, "each such login: service, where, user name and the rule"},
		{"login.compared", Int, "different readable secrets in use that were compared with the public identifiers"},
	}
}

// secretLimit bounds how many different logins of one host are kept; the counts
// go on.
const secretLimit = 256

// settledAfter is how long after its first acceptance a factory password must
// still be accepted before it counts as not replaced at set-up.
const settledAfter = 10 * time.Minute

// loginLens watches logins that anybody on the path could read.
type loginLens struct {
	total, digest Because
	seen          []*login // different logins, in order of their first use
	pending       map[loginKey]awaited
	demands       map[loginPage]bool // pages that answered 401 or 407
	public        publicNames
}

// loginKey finds a login again when its answer comes.
type loginKey struct {
	flow event.FlowID
	ref  event.Ref
}

// loginPage is one page of one HTTP service.
type loginPage struct {
	server netip.AddrPort
	path   string
}

// awaited is a login whose answer was not seen yet.
type awaited struct {
	at   *login
	page loginPage
}

// login is one login, or several with the same words.
type login struct {
	first    *event.Event
	body     event.Login
	own      bool // at a service of the device, else sent by the device
	near     bool // the server is on the local network
	outcome  event.LoginOutcome
	accepted time.Time   // first acceptance
	last     time.Time   // last acceptance
	pages    []loginPage // that accepted it, at most pageLimit
}

// Limits of what is remembered about pages.
const (
	pageLimit   = 16   // of one login
	demandLimit = 1024 // of one host
)

func (*loginLens) wants() wanted {
	return wanted{
		Actor: {
			event.Login{}, event.LoginAnswered{}, event.HTTPResponse{}, event.DHCP4{},
			event.DHCP6{}, event.Announced{},
		},
		Other: {event.Login{}, event.LoginAnswered{}, event.HTTPResponse{}},
	}
}

func (l *loginLens) see(w *world, ev *sighting, role Role) {
	if role == Bystander {
		return
	}
	switch b := ev.Body.(type) {
	case event.Login:
		l.seeLogin(w, ev, b, role)
	case event.LoginAnswered:
		l.seeAnswer(ev, b)
	case event.HTTPResponse:
		l.seeDemand(ev, b)
	default:
		if role == Actor {
			l.public.see(ev.Body)
		}
	}
}

func (l *loginLens) seeLogin(w *world, ev *sighting, b event.Login, role Role) {
	own := role == Other
	if mine, _ := ends(ev, role); !w.isOwnEnd(mine) {
		return // passes through this host
	}
	l.total.See(ev)
	if b.Scheme == event.LoginDigest || b.Scheme == event.LoginChallenge {
		l.digest.See(ev)
		return
	}
	at := l.remember(w, ev, b, own)
	if at == nil {
		return
	}
	page := loginPage{ev.Server, b.Where}
	at.answer(b.Outcome, ev.At, page)
	if b.Outcome == event.OutcomeUnseen {
		l.await(loginKey{ev.Flow, ev.Ref}, awaited{at, page})
	}
}

// seeDemand notes that a page demands a login: that an open page answers a
// request with a password in it proves nothing about the password.
func (l *loginLens) seeDemand(ev *sighting, b event.HTTPResponse) {
	if b.Status != 401 && b.Status != 407 {
		return
	}
	if l.demands == nil {
		l.demands = map[loginPage]bool{}
	}
	if path, _, _ := strings.Cut(b.Target, "?"); len(l.demands) < demandLimit {
		l.demands[loginPage{ev.Server, path}] = true
	}
}

// isShown says whether an acceptance is worth something: on HTTP only when the
// page was seen to refuse those without the password.
func (l *loginLens) isShown(at *login) bool {
	return at.body.Service != "http" || slices.ContainsFunc(at.pages, func(p loginPage) bool { return l.demands[p] })
}

// await waits for the answer to a login.
func (l *loginLens) await(key loginKey, a awaited) {
	if l.pending == nil {
		l.pending = map[loginKey]awaited{}
	}
	if len(l.pending) < secretLimit {
		l.pending[key] = a
	}
}

// remember finds or makes the record of a login.
func (l *loginLens) remember(w *world, ev *sighting, b event.Login, own bool) *login {
	near := w.scope(ev.Server.Addr()) != ScopeInternet
	for _, known := range l.seen {
		if known.own == own && known.near == near && known.first.Server.Addr() == ev.Server.Addr() && sameWords(known.body, b) {
			return known
		}
	}
	if len(l.seen) >= secretLimit {
		return nil
	}
	at := &login{first: ev.keep(), body: b, own: own, near: near}
	l.seen = append(l.seen, at)
	return at
}

func sameWords(a, b event.Login) bool {
	return a.Service == b.Service && a.Scheme == b.Scheme && a.User == b.User && a.Secret == b.Secret
}

func (l *loginLens) seeAnswer(ev *sighting, b event.LoginAnswered) {
	key := loginKey{ev.Flow, b.Login}
	if a, ok := l.pending[key]; ok {
		a.at.answer(b.Outcome, ev.At, a.page)
		delete(l.pending, key)
	}
}

// answer keeps the best outcome: what was accepted once works.
func (at *login) answer(o event.LoginOutcome, when time.Time, page loginPage) {
	switch {
	case o == event.OutcomeAccepted:
		if len(at.pages) < pageLimit && !slices.Contains(at.pages, page) {
			at.pages = append(at.pages, page)
		}
		if at.outcome != event.OutcomeAccepted {
			at.accepted = when
		}
		at.outcome, at.last = o, when
	case at.outcome == event.OutcomeUnseen:
		at.outcome = o
	}
}

// isClear says whether a secret travelled readable, and to or from the device
// for certain: what somebody throws at a datagram service that never answers
// says nothing about the device, nor does a probe with the community "public".
func (at *login) isClear() bool {
	switch {
	case at.body.Secret.Len() == 0 || isAnonymous(at.body):
		return false
	case at.own:
		return at.outcome != event.OutcomeUnseen || !isDatagramService(at.body.Service)
	default:
		return at.body.Service != "snmp" || !at.body.Secret.Is("public")
	}
}

func isDatagramService(service string) bool { return service == "snmp" || service == "coap" }

// isAnonymous: anonymous FTP has no secret (RFC 1635).
func isAnonymous(b event.Login) bool {
	return b.Service == "ftp" && (strings.EqualFold(b.User, "anonymous") || strings.EqualFold(b.User, "ftp"))
}

// ends tells the addresses of the host and of the far end of a conversation.
func ends(ev *sighting, role Role) (mine, theirs netip.Addr) {
	if role == Other {
		return ev.Server.Addr(), ev.Client.Addr()
	}
	return ev.Client.Addr(), ev.Server.Addr()
}

// isOwnEnd says whether an address of a conversation is the host's own rather
// than that of somebody whose traffic passes through it.
func (w *world) isOwnEnd(a netip.Addr) bool {
	if w.scope(a) != ScopeInternet {
		return true
	}
	_, used := w.addrs[a]
	return used && !w.routers[w.host]
}

// line names a login in a few words. The secret's length and digest stand with the
// packet.
func (at *login) line() string {
	where := at.first.Server.String()
	if at.own {
		where = "the device's own port " + strconv.Itoa(int(at.first.Server.Port()))
	}
	line := event.Clean(at.body.Service) + " login at " + where
	if at.body.User == "" {
		return line
	}
	return line + ` as "` + event.Clean(at.body.User) + `"`
}

func (l *loginLens) state(w *world, out *Sheet) {
	out.Int("login.total", l.total.Seen(), l.total)
	out.Int("login.digest", l.digest.Seen(), l.digest)
	l.stateClear(out)
	l.stateListed(w, out)
	l.stateDerived(w, out)
}

func (l *loginLens) stateClear(out *Sheet) {
	var sent, taken Because
	var lines []string
	for _, at := range l.seen {
		if !at.isClear() {
			continue
		}
		lines = append(lines, at.line())
		if at.own {
			taken.Add(at.first)
		} else {
			sent.Add(at.first)
		}
	}
	both := sent
	both.Join(taken)
	out.Int("login.clear", both.Seen(), both)
	out.Int("login.clear_out", sent.Seen(), sent)
	out.Int("login.clear_in", taken.Seen(), taken)
	out.List("login.clear_list", sortedUnique(lines), both)
}

// sortedUnique is the list without repetitions, in order, at most lineLimit long.
func sortedUnique(lines []string) []string {
	const lineLimit = 64
	lines = slices.Compact(slices.Sorted(slices.Values(lines)))
	return lines[:min(len(lines), lineLimit)]
}
