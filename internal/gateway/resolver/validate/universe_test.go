package validate_test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"assay/internal/gateway/resolver/validate"
	"assay/testbench/internet/zone"
)

// leaves lists the first labels of names whose aliases leave their zone, and of
// those that a zone broke on purpose although the rest of it is sound: the wish
// of the zone does not apply to them.
func leaves(name string) bool {
	first, rest, _ := strings.Cut(name, ".")
	return strings.HasPrefix(first, "to-") || strings.HasPrefix(first, "loop") || strings.HasPrefix(first, "branch") ||
		rest == "moved.cam.example." || strings.HasPrefix(rest, "dev.no-wild")
}

// soundKeys are zones that broke the signatures over their data and left those
// over their keys as they should be.
func soundKeys(zone string) bool {
	return strings.HasPrefix(zone, "flipped") || zone == "evillock.example." || zone == "sister.example."
}

// TestEveryNameOfTheInternet holds the validator to what each zone was made for.
func TestEveryNameOfTheInternet(t *testing.T) {
	w := newWorld(t, validate.Options{})
	want := map[string]string{}
	for _, z := range w.u.Zones() {
		want[z.Name] = z.Want
	}
	for _, q := range w.u.Names() {
		if leaves(q.Name) {
			continue
		}
		wish := want[q.Zone]
		if q.Type == dns.TypeDNSKEY && soundKeys(q.Name) {
			wish = zone.Secure
		}
		v, m := w.validate(q.Name, q.Type)
		if v.Status.String() != wish {
			t.Errorf("%s %s: %s (%d, %s), the zone is made to be %s\n%v", q.Name, dns.Type(q.Type), v.Status, v.EDE, v.Why, wish, m)
		}
	}
}

// TestEveryDenialOfTheInternet does the same with names and types that are not there.
func TestEveryDenialOfTheInternet(t *testing.T) {
	w := newWorld(t, validate.Options{})
	for _, z := range w.u.Zones() {
		v, m := w.validate("absent."+strings.TrimPrefix(z.Name, "."), dns.TypeA)
		if v.Status.String() != z.WantDenied {
			t.Errorf("no name in %s: %s (%d, %s), want %s\n%v", z.Name, v.Status, v.EDE, v.Why, z.WantDenied, m)
		}
		want := z.WantDenied
		if z.Want == zone.Secure && want == zone.Insecure && z.Name != "iterations.example." {
			want = zone.Secure // an opt-out span leaves absent names open, not absent types
		}
		v, m = w.validate(z.Name, dns.TypeLOC)
		if v.Status.String() != want {
			t.Errorf("no type in %s: %s (%d, %s), want %s\n%v", z.Name, v.Status, v.EDE, v.Why, want, m)
		}
	}
}
