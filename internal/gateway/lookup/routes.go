package lookup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"assay/internal/assess/event"
	"assay/internal/gateway/lookup/rpki"
)

// table is what is known of routes, with where it is from and how old it is.
type table struct {
	routes     *rpki.Routes
	vrps       *rpki.VRPs
	routesFrom string
	vrpsFrom   string
	routesMade time.Time
	vrpsMade   time.Time
}

// routes asks the RPKI about the routes of each address.
func (l *Looker) routes(ctx context.Context, addrs []netip.Addr) {
	var asked []netip.Addr
	for _, a := range addrs {
		if l.mayTouch(a) {
			asked = append(asked, a)
		}
	}
	if len(asked) == 0 {
		return
	}
	t, err := l.table(ctx, rpki.NewInterest(asked))
	for _, a := range asked {
		n := event.LookupNote{Kind: KindRPKI, Subject: a.String(), Outcome: OutcomeNoData}
		if err != nil {
			n.Why = err.Error()
		} else {
			n.Outcome, n.Data = t.judge(a)
			t.age(&n, l.cfg.Now())
		}
		l.note(n)
	}
}

// table loads both inputs.
func (l *Looker) table(ctx context.Context, want rpki.Interest) (*table, error) {
	switch {
	case len(l.cfg.Routes) == 0:
		return nil, errors.New("no table of routes is set: import a pfx2as or riswhoisdump file")
	case l.cfg.VRPs == "" && l.cfg.RTR == "":
		return nil, errors.New("no VRPs are set: name a validator's file or its RTR cache")
	}
	t := &table{routes: rpki.NewRoutes(want), vrps: rpki.NewVRPs(want, l.cfg.Now())}
	for _, file := range l.cfg.Routes {
		at, err := readFile(file, t.routes.Read)
		if err != nil {
			return nil, fmt.Errorf("cannot use the table of routes %s: %w", file, err)
		}
		if t.routesMade.IsZero() || at.Before(t.routesMade) {
			t.routesMade = at // of several, the oldest
		}
		t.routesFrom = strings.TrimSpace(t.routesFrom + " " + filepath.Base(file))
	}
	return t, l.loadVRPs(ctx, t)
}

func (l *Looker) loadVRPs(ctx context.Context, t *table) error {
	if l.cfg.RTR != "" {
		t.vrpsFrom = "RTR " + l.cfg.RTR
		err := t.vrps.Load(ctx, l.cfg.Dial, l.cfg.RTR)
		t.vrpsMade = t.vrps.Made
		return err
	}
	at, err := readFile(l.cfg.VRPs, t.vrps.Read)
	if err != nil {
		return fmt.Errorf("cannot use the VRPs %s: %w", l.cfg.VRPs, err)
	}
	t.vrpsFrom, t.vrpsMade = filepath.Base(l.cfg.VRPs), at
	if said := t.vrps.Made; !said.IsZero() {
		t.vrpsMade = said
	}
	return nil
}

// readFile hands a file to read and gives the time of its last change.
func readFile(name string, read func(io.Reader) error) (time.Time, error) {
	f, err := os.Open(name) //nolint:gosec // the operator names the file
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return time.Time{}, err
	}
	if !info.Mode().IsRegular() {
		return time.Time{}, errors.New("it is no file")
	}
	return made(name, info.ModTime().UTC()), read(f)
}

// dated finds the date in names like routeviews-rv2-20261124-1200.pfx2as.gz.
var dated = regexp.MustCompile(`-(2[0-9]{7})(?:-([0-9]{4}))?\.`)

// made is when a file was made: the date in its name, or its last change if that was
// earlier. A copy has a new date of change.
func made(name string, changed time.Time) time.Time {
	m := dated.FindStringSubmatch(filepath.Base(name))
	if m == nil {
		return changed
	}
	if m[2] == "" {
		m[2] = "0000"
	}
	if said, err := time.Parse("200601021504", m[1]+m[2]); err == nil && said.Before(changed) {
		return said
	}
	return changed
}

// judge finds the state of an address: invalid when one of its routes is.
func (t *table) judge(a netip.Addr) (string, map[string]string) {
	routes := t.routes.Of(a)
	if len(routes) == 0 {
		return OutcomeNoRoute, map[string]string{}
	}
	worst := rpki.Valid
	var told []string
	var covering []rpki.VRP
	for _, r := range routes {
		state, vrps := rpki.Validate(r, t.vrps.List)
		covering = vrps // the same for each origin of the prefix
		told = append(told, fmt.Sprintf("%s %s %s", r.Prefix, r.Origin, state))
		if worse(state, worst) {
			worst = state
		}
	}
	return worst.String(), map[string]string{"routes": strings.Join(told, ", "), "covering": joinVRPs(covering)}
}

// worse orders valid, not-found, invalid.
func worse(a, b rpki.State) bool {
	rank := [...]int{rpki.Valid: 0, rpki.NotFound: 1, rpki.Invalid: 2}
	return rank[a] > rank[b]
}

func joinVRPs(list []rpki.VRP) string {
	var out []string
	for _, v := range list {
		out = append(out, v.String())
	}
	return strings.Join(out, ", ")
}

// age tells where the data is from and how old it is, in whole seconds.
func (t *table) age(n *event.LookupNote, now time.Time) {
	n.Data["vrps"], n.Data["routes_from"] = t.vrpsFrom, t.routesFrom
	n.Data["vrps_age"] = seconds(now.Sub(t.vrpsMade))
	n.Data["routes_age"] = seconds(now.Sub(t.routesMade))
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
