package assess

import (
	"cmp"
	"encoding/hex"
	"slices"
	"time"

	"assay/internal/assess/decode"
	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/assess/fact"
	"assay/internal/assess/grade"
	"assay/internal/assess/report"
	"assay/internal/assess/rule"
)

// Book is what an assessment judges by.
type Book struct {
	Rules       rule.Book
	Profiles    []grade.Profile // at least one
	Credentials []fact.Credential
	Digest      string // SHA-256 of the rule files, hexadecimal
}

// About is what is told about the evidence rather than seen in it.
type About struct {
	File    string // name of the evidence file, for the reader
	Version string // of the program
	Plan    string // "capture" for a file made elsewhere; the log's own record goes before
	// Profile is the id of the profile to judge by; "" takes the one that the log
	// records, else the default.
	Profile string
	// Statements are what the operator declares ("setup-captured": "yes").
	Statements map[string]string
	// Canaries are texts that the operator typed into the device at set-up.
	Canaries []string
	// Intercepted says which flaw a certificate has that another tool presented to the
	// device: its SHA-256 in lower-case hexadecimal, and one of fact.ForeignCases.
	Intercepted map[string]string
	// Seen takes each event as it is decoded, for somebody who watches; what it does
	// with it changes nothing here. May be nil.
	Seen func(event.Event)
}

// AsOf is what is known about the evidence as a file when a report is made.
type AsOf struct {
	SHA256    []byte // of the file
	Bytes     uint64 // its size
	Truncated string // why it could not be read to its end, or ""
}

// Assessor takes the entries of one evidence log and reports on its hosts.
type Assessor struct {
	book    Book
	about   About
	decoder *decode.Decoder
	watch   *fact.Observer
	first   time.Time // of the first packet
	last    time.Time // of the latest packet
	noted   noted     // what the log says of the run itself
	closed  bool
}

// New starts an assessment with nothing seen.
func New(book Book, about About) *Assessor {
	a := &Assessor{book: book, about: about, watch: fact.NewObserver()}
	add := a.watch.Add
	if about.Seen != nil {
		add = func(e event.Event) {
			about.Seen(e)
			a.watch.Add(e)
		}
	}
	a.decoder = decode.New(decode.Options{Canaries: about.Canaries}, add)
	return a
}

// Add takes the next entry of the log. The entry's packet bytes are not kept.
func (a *Assessor) Add(e evidence.Entry) {
	if a.closed {
		return
	}
	if e.Kind == evidence.KindPacket {
		if a.first.IsZero() || e.At.Before(a.first) {
			a.first = e.At
		}
		if e.At.After(a.last) {
			a.last = e.At
		}
	}
	if e.Kind == evidence.KindNote {
		a.noted.add(e.Note)
	}
	a.watch.Tick(e.At)
	a.decoder.Add(e)
}

// Close says that the log is complete: conversations that are still open are
// summed up. A report made before is provisional; entries added after are ignored.
func (a *Assessor) Close() {
	a.closed = true
	a.decoder.Close()
}

// Hosts lists the hosts of the log in order of their first event.
func (a *Assessor) Hosts() []fact.Host { return a.watch.Hosts() }

// Used lists what a host has used on the internet so far: what there is to look up
// about it.
func (a *Assessor) Used(id event.HostID) []fact.Used { return a.watch.Used(id) }

// Report takes the device that the log's own record names, else chooses one, and
// reports on it.
func (a *Assessor) Report(asOf AsOf) report.Report {
	h, why, ok := a.recorded()
	if !ok {
		h, why = Choose(a.Hosts())
	}
	return a.ReportOn(h.ID, why, asOf)
}

// ReportOn reports on the given host; why says in words how it came to be the
// one. The zero HostID gives the report about no device: nothing proven.
func (a *Assessor) ReportOn(id event.HostID, why string, asOf AsOf) report.Report {
	counts := a.decoder.Counts()
	sheet := a.watch.Sheet(id, a.closing(counts, asOf))
	findings := a.book.Rules.Judge(sheet)
	graded := a.grade(findings, sheet)
	if id.IsZero() {
		graded.Overall = nothingProven(why)
	}
	in := report.Input{
		Device:   a.device(id, why),
		Run:      a.run(),
		Graded:   graded,
		Findings: findings,
		Evidence: report.EvidenceFile{
			Name: event.Clean(a.about.File), SHA256: hex.EncodeToString(asOf.SHA256), Bytes: asOf.Bytes,
			Frames: counts.Frames, Cut: counts.Cut, Unread: counts.Unread, Malformed: counts.Malformed, Crowded: counts.Crowded,
		},
		TruncatedWhy: asOf.Truncated,
		Lost:         counts.Lost,
		Hosts:        a.hosts(id),
	}
	in.Destinations, in.DestinationsMore = a.destinations(id)
	return report.Build(in)
}

// nothingProven is the overall result where no device was found.
func nothingProven(why string) report.Overall {
	return report.Overall{Verdict: grade.NotProven.String(), Why: why}
}

func (a *Assessor) closing(c decode.Counts, asOf AsOf) fact.Closing {
	return fact.Closing{
		Frames: c.Frames, Cut: c.Cut, Lost: c.Lost, Malformed: c.Malformed,
		Truncated: asOf.Truncated != "", Statements: a.statements(), Credentials: a.book.Credentials,
		Intercepted: a.about.Intercepted,
	}
}

func (a *Assessor) run() report.Run {
	profile := a.profile()
	r := report.Run{
		Started: a.first.UTC(), Ended: a.last.UTC(), Plan: a.plan(), Told: a.noted.told(),
		Profile: profile.ID, ProfileTitle: profile.Title,
		RulesDigest: a.book.Digest, AssayVersion: a.about.Version,
	}
	if a.first.IsZero() {
		r.Started, r.Ended = time.Time{}, time.Time{}
	}
	for k, v := range a.statements() {
		r.Statements = append(r.Statements, report.Field{Name: event.Clean(k), Value: event.Clean(v)})
	}
	for digest, flaw := range a.about.Intercepted {
		r.Statements = append(r.Statements, report.Field{Name: "intercepted " + event.Clean(flaw), Value: event.Clean(digest)})
	}
	slices.SortFunc(r.Statements, func(a, b report.Field) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	return r
}
