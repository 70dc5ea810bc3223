package fact

import (
	"time"

	"assay/internal/assess/event"
)

// Measures of how a device asks while DNS fails (CATALOGUE DN-06).
const (
	// backoffBurst is how far apart questions may be that belong to one try: A, AAAA and
	// the next resolver.
	backoffBurst = 2 * time.Second
	// backoffLate is when a polite device has slowed down.
	backoffLate = 5 * time.Minute
	// backoffFlood is how many questions within a minute are more than one a second.
	backoffFlood = 60
)

func backoffDecls() []Decl {
	return []Decl{
		{"backoff.servfail_minutes", Double, "the longest round of SERVFAIL for a name that the device kept asking for or could have, in minutes"},
		{"backoff.drop_minutes", Double, "the longest round without answers for a name, in minutes"},
		{"backoff.tries", Int, "tries within the round with the fewest: questions for the attacked name, those within 2 s of the one before being one try; rounds of SERVFAIL or without answers of 10 minutes"},
		{"backoff.late_gap", Double, "seconds between tries after the fifth minute, on average, in the round with the shortest; unknown without a round of 10 minutes"},
		{"backoff.flood_minutes", Int, "minutes after the first in which the device asked more than 60 times, in the round with the most"},
		{"backoff.growing", Bool, "in some round the device tried more often in the last third than in the first, by more than half and two tries; unknown without a round of 10 minutes"},
		{"backoff.names", List, "the names of these rounds"},
	}
}

// backoffMeasure is one round of 10 minutes.
type backoffMeasure struct {
	tries, floods int
	gap           time.Duration
	growing       bool
}

// backoffFull is how long a round must be; the box and the log measure a little apart.
const backoffFull = 10*time.Minute - 10*time.Second

func (r *pairRound) backoff() backoffMeasure {
	var m backoffMeasure
	span := r.watched()
	var last time.Time
	late, early, end := 0, 0, 0
	minutes := map[int]int{}
	for _, at := range r.tries {
		since := at.Sub(r.first)
		minutes[int(since/time.Minute)]++
		fresh := last.IsZero() || at.Sub(last) > backoffBurst
		last = at
		if !fresh {
			continue
		}
		m.tries++
		late += one(since >= backoffLate)
		early += one(since < span/3)
		end += one(since >= span*2/3)
	}
	for minute, n := range minutes {
		m.floods += one(minute > 0 && n > backoffFlood)
	}
	m.gap = (span - backoffLate) / time.Duration(max(1, late))
	m.growing = end > early+early/2+2
	return m
}

// stateBackoff writes how the device asks while DNS fails.
func stateBackoff(rounds []*pairRound, out *Sheet) {
	longest := map[string]time.Duration{}
	var all Because
	var names []string
	var worst backoffMeasure
	n := 0
	for _, r := range rounds {
		if r.arm != event.ArmServfail && r.arm != event.ArmDrop || r.changed == 0 {
			continue
		}
		longest[r.arm] = max(longest[r.arm], r.watched())
		if r.watched() < backoffFull {
			continue
		}
		all.Join(r.because)
		names = append(names, shownName(r.name))
		m := r.backoff()
		if n++; n == 1 {
			worst = m
			continue
		}
		worst.tries, worst.gap = min(worst.tries, m.tries), min(worst.gap, m.gap)
		worst.floods, worst.growing = max(worst.floods, m.floods), worst.growing || m.growing
	}
	out.Double("backoff.servfail_minutes", longest[event.ArmServfail].Minutes(), all)
	out.Double("backoff.drop_minutes", longest[event.ArmDrop].Minutes(), all)
	out.List("backoff.names", distinct(names), all)
	if n == 0 {
		return
	}
	out.Int("backoff.tries", worst.tries, all)
	out.Double("backoff.late_gap", worst.gap.Seconds(), all)
	out.Int("backoff.flood_minutes", worst.floods, all)
	out.Bool("backoff.growing", worst.growing, all)
}
