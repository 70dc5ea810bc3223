package page

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"assay/internal/assess/report"
	"assay/internal/panel"
)

//go:embed views/*.html
var viewFiles embed.FS

// Config is what a Page is made of.
type Config struct {
	Source panel.Source
	// Leave says that there is a session to end (package door); the page then has a
	// button for it.
	Leave bool
	Now   func() time.Time // time.Now when nil
}

// Page answers for every view, for the programs' interface and for what they need.
type Page struct {
	cfg       Config
	languages []language
	views     map[string]*template.Template // by language
	mux       *http.ServeMux
}

// New makes the page. An error is one of the page's own files.
func New(cfg Config) (*Page, error) {
	if cfg.Source == nil {
		return nil, errors.New("cannot make a page without a source of runs")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	p := &Page{cfg: cfg, views: map[string]*template.Template{}, mux: http.NewServeMux()}
	var err error
	if p.languages, err = languages(); err != nil {
		return nil, err
	}
	for _, l := range p.languages {
		t, err := template.New("page").Funcs(functions(l)).ParseFS(viewFiles, "views/*.html")
		if err != nil {
			return nil, fmt.Errorf("cannot parse the views of the page: %w", err)
		}
		p.views[l.code] = t
	}
	p.routes()
	return p, nil
}

// ServeHTTP answers one request.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

func (p *Page) routes() {
	for pattern, answer := range map[string]http.HandlerFunc{
		"GET /{$}":                p.now,
		"GET /kiosk":              p.kiosk,
		"GET /live":               p.live,
		"GET /runs":               p.runs,
		"GET /runs/{id}":          p.report,
		"GET /runs/{id}/{file}":   p.file,
		"GET /runs/{id}/edit":     p.edit,
		"GET /compare":            p.compare,
		"GET /compare.csv":        p.compareCSV,
		"GET /start":              p.start,
		"GET /box":                p.box,
		"GET /static/{file}":      p.static,
		"POST /start":             p.startNext,
		"POST /order":             p.order,
		"POST /language":          p.language,
		"GET /api/runs":           p.apiRuns,
		"GET /api/runs/{id}":      p.apiRun,
		"GET /api/events":         p.apiEvents,
		"GET /api/openapi.json":   p.apiDescription,
		"GET /api/{rest...}":      p.apiUnknown,
		"GET /":                   p.missing,
		"GET /runs/{id}/report":   p.report,
		"GET /runs/{id}/delete":   p.sure,
		"GET /api/runs/{id}/live": p.apiLive,
	} {
		p.mux.HandleFunc(pattern, answer)
	}
}

// frame is what every view is given.
type frame struct {
	Language  language
	Languages []choice
	Title     string // key of its text
	At        string // path of the view, for the navigation
	Pages     []link // of the navigation
	Kiosk     bool
	Leave     bool
	View      any
}

type choice struct {
	Code, Short, Name string
	Current           bool
}

type link struct{ Path, Key string }

// pages are those of the navigation.
var pages = []link{
	{"/", "nav.now"}, {"/runs", "nav.runs"}, {"/compare", "nav.compare"}, {"/start", "nav.start"}, {"/box", "nav.box"}, {"/kiosk", "nav.kiosk"},
}

// show renders a view in the reader's language.
func (p *Page) show(w http.ResponseWriter, r *http.Request, code int, view, title string, data any) {
	l := p.choose(r)
	f := frame{Language: l, Title: title, At: r.URL.Path, Pages: pages, Kiosk: view == "kiosk", Leave: p.cfg.Leave, View: data}
	for _, other := range p.languages {
		f.Languages = append(f.Languages, choice{other.code, strings.ToUpper(other.code), other.say("language"), other.code == l.code})
	}
	body, err := p.render(l, view, f)
	if err != nil {
		http.Error(w, "cannot show the page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", l.code)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(body) // a reader who left needs no answer
}

func (p *Page) render(l language, name string, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := p.views[l.code].ExecuteTemplate(&out, name, data); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Login is the handler that asks for the key of the box; why is what was wrong with
// the last one.
func (p *Page) Login(fingerprint string, why func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.show(w, r, http.StatusUnauthorized, "login", "login.title", map[string]string{"Fingerprint": fingerprint, "Why": why(r)})
	})
}

// missing answers for what is not there.
func (p *Page) missing(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusNotFound, "error", "error.title", problem{Key: "error.404"})
}

// problem is an error in words: a text of ours, or what somebody else said.
type problem struct{ Key, Says string }

// failed answers with an error.
func (p *Page) failed(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, panel.ErrUnknown):
		p.show(w, r, http.StatusNotFound, "error", "error.title", problem{Key: "error.run"})
	case errors.Is(err, panel.ErrImpossible):
		p.show(w, r, http.StatusConflict, "error", "error.title", problem{Says: err.Error()})
	default:
		p.show(w, r, http.StatusInternalServerError, "error", "error.title", problem{Says: err.Error()})
	}
}

// language remembers the language that a reader chose.
func (p *Page) language(w http.ResponseWriter, r *http.Request) {
	const year = 365 * 24 * 60 * 60
	if l, ok := p.find(r.PostFormValue("language")); ok {
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: l.code, Path: "/", MaxAge: year, HttpOnly: true,
			SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
		})
	}
	http.Redirect(w, r, local(r.PostFormValue("back")), http.StatusSeeOther)
}

// local is a path of this page, and nothing that leads elsewhere.
func local(path string) string {
	if len(path) == 0 || path[0] != '/' || len(path) > 1 && (path[1] == '/' || path[1] == '\\') {
		return "/"
	}
	return path
}

// reportSection is a report as a part of a view.
func reportSection(r report.Report) (template.HTML, error) {
	body, err := report.Section(r)
	return template.HTML(body), err //nolint:gosec // rendered by html/template, which escaped all that is foreign
}
