package plan

import (
	"sync"
	"time"
)

// budget is the time that a step has. It stands still while the run is paused.
type budget struct {
	mu    sync.Mutex
	timer *time.Timer
	left  time.Duration
	since time.Time // when it began to run; zero while it stands still
}

// newBudget calls over when the time is used up.
func newBudget(d time.Duration, over func()) *budget {
	return &budget{timer: time.AfterFunc(d, over), left: d, since: time.Now()}
}

func (b *budget) stand() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.since.IsZero() && b.timer.Stop() {
		b.left -= time.Since(b.since)
		b.since = time.Time{}
	}
}

func (b *budget) run() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.since.IsZero() {
		b.since = time.Now()
		b.timer.Reset(b.left)
	}
}

// rest is how much of it is left.
func (b *budget) rest() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.since.IsZero() {
		return max(0, b.left)
	}
	return max(0, b.left-time.Since(b.since))
}

func (b *budget) end() { b.timer.Stop() }
