package page

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// The pace of the stream: changes that follow each other faster are shown together,
// and clocks go on without a change.
const (
	livePause = 250 * time.Millisecond
	liveBeat  = 5 * time.Second
)

// parts are the pieces of the live views that change, by the id of their element.
var parts = []string{"device", "lamps", "doing", "did", "far", "chart", "others"}

// part is a piece that changed.
type part struct {
	ID   string `json:"id"`
	HTML string `json:"html"`
}

// live streams the pieces that change, as server-sent events (HTML Living Standard,
// section 9.2).
func (p *Page) live(w http.ResponseWriter, r *http.Request) {
	l, sent, id := p.choose(r), map[string]string{}, r.URL.Query().Get("run")
	p.stream(w, r, func() (out []any) {
		view := p.look(id)
		view.Kiosk = r.URL.Query().Has("kiosk")
		for _, name := range parts {
			html, err := p.render(l, "live-"+name, view)
			if err != nil || sent[name] == string(html) {
				continue
			}
			sent[name] = string(html)
			out = append(out, part{ID: "live-" + name, HTML: string(html)})
		}
		return out
	})
}

// stream sends what next gives at each change until the reader leaves.
func (p *Page) stream(w http.ResponseWriter, r *http.Request, next func() []any) {
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	for {
		changed := p.cfg.Source.Changed()
		if err := send(w, next()); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		if !await(r.Context(), changed) {
			return
		}
	}
}

// send writes one event for each value, or a comment that keeps the line open.
func send(w http.ResponseWriter, list []any) error {
	if len(list) == 0 {
		_, err := fmt.Fprint(w, ": still here\n\n")
		return err
	}
	for _, v := range list {
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "data: %s\n\n", text); err != nil {
			return err
		}
	}
	return nil
}

// await waits for a change, gathers those that follow at once, and says whether the
// reader is still there.
func await(ctx context.Context, changed <-chan struct{}) bool {
	beat := time.NewTimer(liveBeat)
	defer beat.Stop()
	select {
	case <-changed:
	case <-beat.C:
	case <-ctx.Done():
		return false
	}
	pause := time.NewTimer(livePause)
	defer pause.Stop()
	select {
	case <-pause.C:
		return true
	case <-ctx.Done():
		return false
	}
}
