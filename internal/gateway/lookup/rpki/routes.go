package rpki

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Limits of a table of routes. The internet has about 1.3 million routes.
const (
	lineLimit    = 1 << 20 // bytes of a line
	routeLimit   = 1 << 24 // lines of a file
	originLimit  = 64      // origins of one prefix
	skippedShare = 100     // at most one line in so many may be unreadable
	// risPeersLeast is how many RIS peers must see a route: what fewer see is local
	// to them. RIPEstat leaves the same out (data call announced-prefixes,
	// min_peers_seeing).
	risPeersLeast = 10
)

// Routes are the routes of the addresses of an Interest.
type Routes struct {
	want  Interest
	best  map[netip.Addr]netip.Prefix
	found map[netip.Prefix][]Origin
	// Lines were read, of which Skipped could not be understood and Local were seen
	// by too few peers to count.
	Lines, Skipped, Local int
}

// NewRoutes begins an empty table for some addresses.
func NewRoutes(want Interest) *Routes {
	return &Routes{want: want, best: map[netip.Addr]netip.Prefix{}, found: map[netip.Prefix][]Origin{}}
}

// Of gives the routes of an address: the longest prefix, once for each origin; none
// when no prefix holds it.
func (t *Routes) Of(a netip.Addr) []Route {
	p, ok := t.best[a.Unmap().WithZone("")]
	if !ok {
		return nil
	}
	var out []Route
	for _, o := range t.found[p] {
		out = append(out, Route{p, o})
	}
	return out
}

// Read adds the routes of one file. Files may be read one after the other, for
// example one for each address family.
func (t *Routes) Read(r io.Reader) error {
	in, err := unpacked(r)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 4096), lineLimit)
	read, skipped := 0, 0
	for lines.Scan() && read <= routeLimit {
		f := strings.Fields(lines.Text())
		if len(f) == 0 || strings.HasPrefix(f[0], "%") || strings.HasPrefix(f[0], "#") {
			continue
		}
		read++
		if !t.line(f) {
			skipped++
		}
	}
	t.Lines, t.Skipped = t.Lines+read, t.Skipped+skipped
	return complaint(lines.Err(), read, skipped)
}

// complaint says what makes a file no table of routes; nil when nothing does.
func complaint(err error, read, skipped int) error {
	switch {
	case err != nil:
		return fmt.Errorf("cannot read line %d: %w", read+1, err)
	case read > routeLimit:
		return fmt.Errorf("there are more than %d lines: this is no table of routes", routeLimit)
	case read == 0:
		return errors.New("there is no route in it")
	case skipped > read/skippedShare:
		return fmt.Errorf("%d of %d lines are neither pfx2as nor riswhoisdump", skipped, read)
	}
	return nil
}

// line takes one line of either format and says whether it was understood.
func (t *Routes) line(f []string) bool {
	if len(f) != 3 {
		return false
	}
	if strings.Contains(f[1], "/") {
		return t.risLine(f)
	}
	p, err := netip.ParsePrefix(f[0] + "/" + f[1])
	if err != nil {
		return false
	}
	return t.add(p, strings.Split(f[2], "_"))
}

// risLine takes origin, prefix and number of peers.
func (t *Routes) risLine(f []string) bool {
	p, err := netip.ParsePrefix(f[1])
	peers, numberErr := strconv.Atoi(f[2])
	if err != nil || numberErr != nil {
		return false
	}
	if peers < risPeersLeast {
		t.Local++
		return true
	}
	return t.add(p, f[:1])
}

func (t *Routes) add(p netip.Prefix, origins []string) bool {
	all, ok := parseOrigins(origins)
	if !ok || p != p.Masked() || p.Addr().Is4In6() {
		return false
	}
	if p.Bits() == 0 {
		return true // a default route says nothing of who has an address
	}
	inside := t.want.within(p)
	for _, a := range inside {
		if best, ok := t.best[a]; !ok || best.Bits() < p.Bits() {
			t.best[a] = p
		}
	}
	if len(inside) > 0 {
		t.addOrigins(p, all)
	}
	return true
}

func parseOrigins(texts []string) ([]Origin, bool) {
	var all []Origin
	for _, text := range texts {
		o, ok := parseOrigin(text)
		if !ok || len(all) >= originLimit {
			return nil, false
		}
		all = append(all, o)
	}
	return all, true
}

// addOrigins joins the origins of a prefix, up to their bound.
func (t *Routes) addOrigins(p netip.Prefix, all []Origin) {
	for _, o := range all {
		if known := t.found[p]; !slices.Contains(known, o) && len(known) < originLimit {
			t.found[p] = append(known, o)
		}
	}
}

// parseOrigin reads "64500", "AS64500", "{1,2}" or "1,2". A set of one is still a set.
func parseOrigin(text string) (Origin, bool) {
	inner := strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")
	set := inner != text || strings.Contains(inner, ",")
	var as uint32
	for n := range strings.SplitSeq(inner, ",") {
		var ok bool
		if as, ok = parseAS(n); !ok {
			return Origin{}, false
		}
	}
	if set {
		return Origin{Set: true}, true
	}
	return Origin{AS: as}, true
}

// parseAS reads an AS number in plain notation (RFC 5396), with or without "AS".
func parseAS(text string) (uint32, bool) {
	if len(text) > 2 && strings.EqualFold(text[:2], "as") {
		text = text[2:]
	}
	n, err := strconv.ParseUint(text, 10, 32)
	return uint32(n), err == nil
}
