package intercept

import (
	"encoding/json"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
)

func (i *Interceptor) note(n event.InterceptNote) {
	if i.cfg.Note == nil {
		return
	}
	if body, err := json.Marshal(n); err == nil {
		i.cfg.Note(evidence.Note{Kind: event.NoteIntercept, Body: body})
	}
}
