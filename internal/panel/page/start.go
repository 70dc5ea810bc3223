package page

import (
	"net/http"
	"slices"
	"strings"

	"assay/internal/panel"
	"assay/internal/panel/light"
)

// startView is the form for the next run.
type startView struct {
	Details         panel.Details
	Plans, Profiles []panel.Choice
	Mistakes        []string
	Done            bool
}

// start shows the form.
func (p *Page) start(w http.ResponseWriter, r *http.Request) {
	about := p.cfg.Source.About(r.Context())
	p.show(w, r, http.StatusOK, "start", "start.title", startView{
		Details: p.cfg.Source.Live().Told, Plans: about.Plans, Profiles: about.Profiles, Done: r.URL.Query().Has("done"),
	})
}

// startNext takes the form.
func (p *Page) startNext(w http.ResponseWriter, r *http.Request) {
	l, about := p.choose(r), p.cfg.Source.About(r.Context())
	v := startView{Plans: about.Plans, Profiles: about.Profiles}
	v.Details, v.Mistakes = readDetails(l, r)
	v.Mistakes = append(v.Mistakes, known(l, v.Details.Plan, about.Plans)...)
	v.Mistakes = append(v.Mistakes, known(l, v.Details.Profile, about.Profiles)...)
	if (v.Details.Tester == "") != (v.Details.Owner == "") {
		v.Mistakes = append(v.Mistakes, l.say("start.error.consent"))
	}
	if len(v.Mistakes) > 0 {
		p.show(w, r, http.StatusUnprocessableEntity, "start", "start.title", v)
		return
	}
	if err := p.cfg.Source.Order(r.Context(), panel.Order{Kind: panel.OrderStart, Details: v.Details}); err != nil {
		p.failed(w, r, err)
		return
	}
	http.Redirect(w, r, "/start?done", http.StatusSeeOther)
}

// readDetails reads what stands in a form, and what is wrong with it.
func readDetails(l language, r *http.Request) (d panel.Details, mistakes []string) {
	for name, to := range map[string]*string{
		"operator": &d.Operator, "label": &d.Label, "serial": &d.Serial, "firmware": &d.Firmware, "profile": &d.Profile,
		"plan": &d.Plan, "tester": &d.Tester, "owner": &d.Owner, "model": &d.Model, "reset": &d.Reset,
	} {
		*to = strings.TrimSpace(r.PostFormValue(name))
		if short(*to) != *to {
			mistakes = append(mistakes, l.say("start.error.long", l.or("start."+name, name), longest))
			*to = short(*to)
		}
	}
	slices.Sort(mistakes)
	return d, mistakes
}

func known(l language, id string, among []panel.Choice) []string {
	if id == "" || slices.ContainsFunc(among, func(c panel.Choice) bool { return c.ID == id }) {
		return nil
	}
	return []string{l.say("start.error.choice", id)}
}

// orders are those that the page itself gives beside the start.
var orders = []string{
	panel.OrderEnd, panel.OrderPause, panel.OrderResume, panel.OrderSkip, panel.OrderAbort, panel.OrderLabel,
	panel.OrderKeep, panel.OrderUnkeep, panel.OrderDelete, panel.OrderState, panel.OrderLamps,
}

// order carries out what a button asks for, and leads back.
func (p *Page) order(w http.ResponseWriter, r *http.Request) {
	o := panel.Order{Kind: r.PostFormValue("order"), Run: r.PostFormValue("run"), Key: r.PostFormValue("key"), Value: short(r.PostFormValue("value"))}
	if !slices.Contains(orders, o.Kind) {
		p.failed(w, r, panel.ErrImpossible)
		return
	}
	o.Details, _ = readDetails(p.choose(r), r) // what is too long was cut
	if err := p.cfg.Source.Order(r.Context(), o); err != nil {
		p.failed(w, r, err)
		return
	}
	http.Redirect(w, r, local(r.PostFormValue("back")), http.StatusSeeOther)
}

// boxView is what the box says of itself.
type boxView struct {
	panel.About
	Lamps []panel.Lit
}

// box shows the box.
func (p *Page) box(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, "box", "box.title", boxView{p.cfg.Source.About(r.Context()), light.Lit(p.cfg.Source.Live())})
}
