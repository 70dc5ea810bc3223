package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"time"

	"assay/internal/assess/report"
)

// uPlot (MIT, see static/uplot-LICENSE) draws the chart of the traffic.
//
//go:embed static
var staticFiles embed.FS

// static hands out the style sheets, scripts and pictures of the page.
func (p *Page) static(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.PathValue("file"))
	body, err := staticFiles.ReadFile("static/" + name)
	if name == "report.css" {
		body, err = []byte(report.Style()), nil
	}
	if err != nil {
		p.missing(w, r)
		return
	}
	sum := sha256.Sum256(body)
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
	w.Header().Set("Cache-Control", "no-cache") // asked for again each time, and answered with 304
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
}
