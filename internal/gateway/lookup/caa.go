package lookup

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"assay/internal/assess/event"
)

// caa finds the CAA records that hold for a name: its own, aliases followed, or those
// of the nearest name above it; the root is not asked (RFC 8659 section 3).
func (l *Looker) caa(ctx context.Context, name string) {
	n := event.LookupNote{Kind: KindCAA, Subject: name, Outcome: OutcomeNone}
	at := name
	for range climbLimit {
		a := l.ask(ctx, at, dns.TypeCAA)
		if !a.settled() {
			n.Outcome, n.Why = StateFailed, "CAA of "+at+": "+a.State+" "+a.Why
			break
		}
		if at == name && a.absent() {
			n.Outcome, n.Why = StateAbsent, "the name does not exist now"
			break
		}
		if has(a.Answer, dns.TypeCAA) {
			n.Outcome, n.Data = judgeCAA(a.Answer)
			n.Data["at"] = at
			break
		}
		above, ok := parent(at)
		if !ok {
			break
		}
		at = above
	}
	l.note(n)
}

// parent is the name above; false when that is the root.
func parent(name string) (string, bool) {
	at, end := dns.NextLabel(name, 0)
	if end || name[at:] == "" {
		return "", false
	}
	return name[at:], true
}

// issueValue is the grammar of the value of an issue property: a domain name or
// nothing, then parameters (RFC 8659 section 4.2).
var issueValue = regexp.MustCompile(`^[ \t]*([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)?[ \t]*(?:;[ \t]*(?:[A-Za-z0-9-]+[ \t]*=[ \t]*[\x21-\x3a\x3c-\x7e]*[ \t]*(?:;[ \t]*[A-Za-z0-9-]+[ \t]*=[ \t]*[\x21-\x3a\x3c-\x7e]*[ \t]*)*)?)?$`)

// judgeCAA says whether a set of records restricts who may issue.
func judgeCAA(rrs []dns.RR) (string, map[string]string) {
	outcome := OutcomeOther
	var tags, issuers []string
	for _, rr := range rrs {
		c, ok := rr.(*dns.CAA)
		if !ok {
			continue
		}
		tag := strings.ToLower(c.Tag)
		if !slices.Contains(tags, tag) && len(tags) < climbLimit {
			tags = append(tags, tag)
		}
		if m := issueValue.FindStringSubmatch(c.Value); tag == "issue" && m != nil {
			outcome = OutcomeIssue
			if m[1] == "" {
				m[1] = "nobody"
			}
			if !slices.Contains(issuers, m[1]) && len(issuers) < climbLimit {
				issuers = append(issuers, m[1])
			}
		}
	}
	slices.Sort(tags)
	slices.Sort(issuers)
	return outcome, map[string]string{"tags": strings.Join(tags, " "), "issuers": strings.Join(issuers, " ")}
}
