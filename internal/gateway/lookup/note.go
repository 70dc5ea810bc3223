package lookup

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/miekg/dns"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
)

// The kinds of LookupNote.
const (
	KindDNSSEC = "dnssec"
	KindZone   = "zone"
	KindAAAA   = "aaaa"
	KindCAA    = "caa"
	KindRPKI   = "rpki"
	KindTLS    = "tls"
)

// States of names (RFC 4035 section 4.3), failed where there was no answer and
// absent where the name does not exist now.
const (
	StateSecure        = "secure"
	StateInsecure      = "insecure"
	StateBogus         = "bogus"
	StateIndeterminate = "indeterminate"
	StateFailed        = "failed"
	StateAbsent        = "absent"
)

// Outcomes of the other kinds; rpki has the words of rpki.State besides.
const (
	OutcomeRead        = "read"
	OutcomeNone        = "none"
	OutcomePresent     = "present"
	OutcomeReachable   = "reachable"
	OutcomeUnreachable = "unreachable"
	OutcomeIssue       = "issue" // at least one well-formed issue property
	OutcomeOther       = "other" // CAA records, none of which restricts who may issue
	OutcomeNoRoute     = "no-route"
	OutcomeNoData      = "no-data"
	OutcomeCompleted   = "completed"
	OutcomeRefused     = "refused" // every offer that was answered
	OutcomeSilent      = "silent"  // no offer was answered
)

// dataLimit bounds one foreign text in a note, in bytes.
const dataLimit = 1024

func (l *Looker) note(n event.LookupNote) {
	if l.cfg.Note == nil {
		return
	}
	n.Why = clip(n.Why)
	for k, v := range n.Data {
		if n.Data[k] = clip(v); v == "" {
			delete(n.Data, k)
		}
	}
	js, err := json.Marshal(n)
	if err != nil {
		return // a struct of strings always has a JSON form
	}
	l.cfg.Note(evidence.Note{Kind: event.NoteLookup, Body: js})
}

func clip(s string) string {
	if len(s) > dataLimit {
		s = s[:dataLimit] + "…"
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

// ask puts a question, once more when there was no answer or a false one: a single
// lost or damaged packet says nothing about a name.
func (l *Looker) ask(ctx context.Context, name string, qtype uint16) Answer {
	var a Answer
	for range 2 {
		a = l.askOnce(ctx, name, qtype)
		if a.State == StateSecure || a.State == StateInsecure || ctx.Err() != nil {
			break
		}
	}
	return a
}

func (l *Looker) askOnce(ctx context.Context, name string, qtype uint16) Answer {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	a := l.cfg.Ask(ctx, name, qtype)
	if a.RCode != dns.RcodeSuccess && a.RCode != dns.RcodeNameError {
		a.State = StateFailed
		if a.Why == "" {
			a.Why = "the answer is " + dns.RcodeToString[a.RCode]
		}
	}
	return a
}

// settled says that an answer can be built on.
func (a Answer) settled() bool { return a.State == StateSecure || a.State == StateInsecure }

// absent says that the name does not exist.
func (a Answer) absent() bool { return a.settled() && a.RCode == dns.RcodeNameError }
