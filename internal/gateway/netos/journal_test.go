package netos

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func journal(t interface {
	Fatal(...any)
	Helper()
}, k Kernel, dir, name string) *Journal {
	t.Helper()
	j, err := OpenJournal(k, dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// settled is a host that has something of everything before anybody comes.
func settled(t interface {
	Fatal(...any)
	Helper()
}) *Fake {
	t.Helper()
	f := twoPorts()
	for _, err := range []error{
		f.AddAddress(Address{Link: "wan0", Prefix: netip.MustParsePrefix("203.0.113.2/24")}),
		f.AddRoute(Route{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("203.0.113.1"), Link: "wan0", Protocol: 3}),
		f.AddAddress(Address{Link: "lan0", Prefix: netip.MustParsePrefix("192.0.2.5/24")}),
		f.SetSysctl("net/ipv6/conf/wan0/forwarding", "1"),
		f.ReplaceTable(Table{TableName: TableName{FamilyIPv4, "somebody"}, Counters: []string{"x"}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// doing are the changes the property below draws from.
func doing() []func(Kernel) error {
	up := func(link string, up bool) func(Kernel) error {
		return func(k Kernel) error { return k.SetLinkUp(link, up) }
	}
	var out []func(Kernel) error
	out = append(out, up("lan0", true))
	for _, key := range []string{"net/ipv4/conf/lan0/rp_filter", forwardingAll, "net/ipv6/conf/wan0/forwarding", "net/ipv6/conf/wan0/accept_ra"} {
		for _, v := range []string{"0", "1", "2"} {
			out = append(out, func(k Kernel) error { return k.SetSysctl(key, v) })
		}
	}
	for _, p := range []string{"192.168.77.1/24", "fd00::1/64", "192.0.2.5/24"} {
		a := Address{Link: "lan0", Prefix: netip.MustParsePrefix(p)}
		out = append(out, func(k Kernel) error { return k.AddAddress(a) }, func(k Kernel) error { return k.RemoveAddress(a) })
	}
	for _, r := range []Route{
		{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("203.0.113.1"), Link: "wan0", Protocol: 3},
		{To: netip.MustParsePrefix("198.51.100.0/24"), Via: netip.MustParseAddr("203.0.113.9"), Link: "wan0", Protocol: 16},
	} {
		out = append(out, func(k Kernel) error { return k.AddRoute(r) }, func(k Kernel) error { return k.RemoveRoute(r) })
	}
	return append(out,
		func(k Kernel) error { return k.ReplaceTable(every) },
		func(k Kernel) error { return k.RemoveTable(every.TableName) },
		func(k Kernel) error { return k.RemoveTable(TableName{FamilyIPv4, "somebody"}) })
}

// TestAnythingIsTakenBack draws changes at random, ends in the middle or not,
// and finds the host as it was, by the same process or by the next one.
func TestAnythingIsTakenBack(t *testing.T) {
	all := doing()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "journal")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		host := settled(t)
		before := host.String()
		j := journal(t, host, dir, "test")
		stop := rapid.IntRange(0, 30).Draw(t, "dies at step")
		died := diesAt(j, stop, func() {
			for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(all)-1), 0, 12).Draw(t, "changes") {
				if err := all[i](j); err != nil {
					t.Fatal(err)
				}
			}
		})
		if died || rapid.Bool().Draw(t, "another process") {
			err = Restore(context.Background(), host, dir)
		} else {
			err = j.Undo()
		}
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, host.String()); diff != "" {
			t.Fatalf("the host is not as it was:\n%s", diff)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Fatalf("the journal is still there: %v", left)
		}
	})
}

type death struct{}

// diesAt runs f until the journal's step n.
func diesAt(j *Journal, n int, f func()) (died bool) {
	j.Step = func(string) {
		if n--; n == 0 {
			panic(death{})
		}
	}
	defer func() {
		j.Step = nil
		switch r := recover(); r.(type) {
		case nil:
		case death:
			died = true
		default:
			panic(r)
		}
	}()
	f()
	return false
}

// TestWhatWasLearnedIsForgotten: addresses and routes from advertisements go, also
// after a crash; what was there before, and what somebody configured since, stays.
func TestWhatWasLearnedIsForgotten(t *testing.T) {
	for _, crash := range []bool{false, true} {
		dir, host := t.TempDir(), settled(t)
		learn := func(address, router string) {
			must(t, host.AddAddress(Address{Link: "wan0", Prefix: netip.MustParsePrefix(address), Dynamic: true}))
			must(t, host.AddRoute(Route{To: netip.MustParsePrefix("::/0"), Via: netip.MustParseAddr(router), Link: "wan0", Protocol: protoRA}))
		}
		must(t, host.SetLinkUp("wan0", true))
		learn("2001:db8:1::5/64", "fe80::1")
		must(t, host.AddAddress(Address{Link: "wan0", Prefix: netip.MustParsePrefix("fe80::5/64"), Dynamic: true}))
		must(t, host.AddAddress(Address{Link: "lan0", Prefix: netip.MustParsePrefix("2001:db8:9::5/64"), Dynamic: true}))
		must(t, host.AddAddress(Address{Link: "wan0", Prefix: netip.MustParsePrefix("2001:db8:3::5/64")}))
		before := host.String()
		j := journal(t, host, dir, "test")
		must(t, j.Learn("wan0"))
		must(t, j.SetSysctl("net/ipv6/conf/wan0/accept_ra", "2"))
		learn("2001:db8:2::5/64", "fe80::2")
		if crash {
			must(t, Restore(t.Context(), host, dir))
		} else {
			must(t, j.Undo())
		}
		if diff := cmp.Diff(before, host.String()); diff != "" {
			t.Errorf("crash %v:\n%s", crash, diff)
		}
	}
}

func TestLaterJournalIsUndoneFirst(t *testing.T) {
	dir, host := t.TempDir(), settled(t)
	before := host.String()
	const key = "net/ipv6/conf/wan0/accept_ra"
	must(t, journal(t, host, dir, "zz").SetSysctl(key, "2"))
	must(t, journal(t, host, dir, "aa").SetSysctl(key, "0"))
	must(t, Restore(t.Context(), host, dir))
	if diff := cmp.Diff(before, host.String()); diff != "" {
		t.Error(diff)
	}
}

func TestJournalOfAnotherBootIsThrownAway(t *testing.T) {
	dir, host := t.TempDir(), settled(t)
	must(t, journal(t, host, dir, "test").SetLinkUp("lan0", true))
	path := filepath.Join(dir, "test"+journalSuffix)
	text, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, []byte(strings.Replace(string(text), `"fake"`, `"another boot"`, 1)), 0o600))
	before := host.String()
	must(t, Restore(t.Context(), host, dir))
	if diff := cmp.Diff(before, host.String()); diff != "" {
		t.Errorf("state of another boot was put back:\n%s", diff)
	}
	must(t, Restore(t.Context(), host, filepath.Join(dir, "none")))
}

func TestJournalRefusals(t *testing.T) {
	dir, host := t.TempDir(), settled(t)
	must(t, journal(t, host, dir, "test").SetLinkUp("lan0", true))
	if _, err := OpenJournal(host, dir, "test"); err == nil || !strings.Contains(err.Error(), "restore them first") {
		t.Errorf("a second journal over the changes of the first: %v", err)
	}
	must(t, Restore(t.Context(), host, dir))
	must(t, host.ReplaceTable(every))
	if err := journal(t, host, dir, "test").ReplaceTable(every); err == nil || !strings.Contains(err.Error(), "nft delete table inet assay_every") {
		t.Errorf("a table somebody else made is replaced: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "bad"+journalSuffix), []byte("{"), 0o600))
	if err := Restore(t.Context(), host, dir); err == nil || !strings.Contains(err.Error(), "bad"+journalSuffix) {
		t.Errorf("a journal nobody can read: %v", err)
	}
}

func TestNothingChangesWhenTheDiscIsFull(t *testing.T) {
	dir, host := t.TempDir(), settled(t)
	before := host.String()
	j := journal(t, host, dir, "test")
	j.path = filepath.Join(dir, "gone", "test"+journalSuffix)
	for i, do := range doing() {
		if err := do(j); err != nil && !strings.Contains(err.Error(), "nothing is changed") {
			t.Errorf("change %d: %v", i, err)
		}
	}
	if diff := cmp.Diff(before, host.String()); diff != "" {
		t.Errorf("changed without a journal:\n%s", diff)
	}
}

func TestWhatCannotBeTakenBackStaysInTheJournal(t *testing.T) {
	dir, host := t.TempDir(), settled(t)
	before := host.String()
	j := journal(t, host, dir, "test")
	must(t, j.SetLinkUp("lan0", true))
	must(t, j.SetSysctl("net/ipv4/conf/lan0/rp_filter", "1"))
	broken := errors.New("broken")
	host.Fail = func(change string) error {
		if strings.HasPrefix(change, "link") {
			return broken
		}
		return nil
	}
	if err := j.Undo(); !errors.Is(err, broken) {
		t.Errorf("undo: %v", err)
	}
	host.Fail = nil
	must(t, Restore(t.Context(), host, dir))
	if diff := cmp.Diff(before, host.String()); diff != "" {
		t.Error(diff)
	}
}

func TestStepsAreTold(t *testing.T) {
	var steps []string
	j := journal(t, settled(t), t.TempDir(), "test")
	j.Step = func(s string) { steps = append(steps, s) }
	must(t, j.SetLinkUp("lan0", true))
	must(t, j.SetLinkUp("lan0", true))
	must(t, j.Undo())
	want := "[noted link set lan0 done link set lan0 undoing link set lan0]"
	if got := fmt.Sprint(steps); got != want {
		t.Errorf("steps %s, want %s", got, want)
	}
}
