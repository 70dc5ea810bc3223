package netos

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// kernels are the two that must behave alike: both have the links lan0, which is
// down, and wan0.
func kernels(t *testing.T, body func(*testing.T, Kernel)) {
	t.Run("fake", func(t *testing.T) { body(t, twoPorts()) })
	t.Run("real", func(t *testing.T) {
		_, _, k := site(t)
		body(t, k)
	})
}

func twoPorts() *Fake {
	return NewFake(Link{Name: "lan0", MAC: [6]byte{2, 0, 0, 0, 0, 1}, Carrier: true}, Link{Name: "wan0", Up: true, Carrier: true})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func absent(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, ErrAbsent) {
		t.Errorf("%s: error %v, want ErrAbsent", what, err)
	}
}

func TestLinksAndAddresses(t *testing.T) {
	kernels(t, func(t *testing.T, k Kernel) {
		lan, err := LinkByName(k, "lan0")
		must(t, err)
		if lan.Up {
			t.Error("lan0 is up before anybody asked")
		}
		must(t, k.SetLinkUp("lan0", true))
		if lan, err = LinkByName(k, "lan0"); err != nil || !lan.Up {
			t.Errorf("lan0 after being set up: %+v, %v", lan, err)
		}
		for _, p := range []string{"192.168.77.1/24", "fd12:3456:789a:1::1/64"} {
			a := Address{Link: "lan0", Prefix: netip.MustParsePrefix(p), NoDAD: true}
			must(t, k.AddAddress(a))
			must(t, k.AddAddress(a))
			if there, err := hasAddress(k, a); err != nil || !there {
				t.Errorf("%s is not there: %v", a, err)
			}
			if !slices.ContainsFunc(routes(t, k), func(r Route) bool { return r.To == a.Prefix.Masked() && r.Link == "lan0" }) {
				t.Errorf("no route to the network of %s", a)
			}
			must(t, k.RemoveAddress(a))
			must(t, k.RemoveAddress(a))
			if there, _ := hasAddress(k, a); there {
				t.Errorf("%s is still there", a)
			}
		}
		must(t, k.SetLinkUp("lan0", false))
	})
}

func routes(t *testing.T, k Kernel) []Route {
	t.Helper()
	all, err := k.Routes()
	must(t, err)
	return all
}

func TestRoutes(t *testing.T) {
	kernels(t, func(t *testing.T, k Kernel) {
		must(t, k.AddAddress(Address{Link: "wan0", Prefix: netip.MustParsePrefix("203.0.113.2/24")}))
		must(t, k.AddAddress(Address{Link: "wan0", Prefix: netip.MustParsePrefix("2001:db8:1::2/64"), NoDAD: true}))
		for _, r := range []Route{
			{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("203.0.113.1"), Link: "wan0", Protocol: 16, Metric: 50},
			{To: netip.MustParsePrefix("::/0"), Via: netip.MustParseAddr("2001:db8:1::1"), Link: "wan0", Protocol: 4},
			{To: netip.MustParsePrefix("203.0.113.128/25"), Link: "wan0", Protocol: 4},
		} {
			must(t, k.AddRoute(r))
			must(t, k.AddRoute(r))
			if !hasRoute(k, r) {
				t.Errorf("route %s is not there: %v", r, routes(t, k))
			}
			must(t, k.RemoveRoute(r))
			must(t, k.RemoveRoute(r))
			if hasRoute(k, r) {
				t.Errorf("route %s is still there", r)
			}
		}
	})
}

func TestSysctls(t *testing.T) {
	kernels(t, func(t *testing.T, k Kernel) {
		const key = "net/ipv4/conf/lan0/rp_filter"
		must(t, k.SetSysctl(key, "1"))
		if v, err := k.Sysctl(key); err != nil || v != "1" {
			t.Errorf("rp_filter is %q, %v", v, err)
		}
		must(t, k.SetSysctl(forwardingAll, "1"))
		if v, err := k.Sysctl("net/ipv6/conf/wan0/forwarding"); err != nil || v != "1" {
			t.Errorf("forwarding for all left wan0 at %q, %v", v, err)
		}
	})
}

func TestAbsentThings(t *testing.T) {
	kernels(t, func(t *testing.T, k Kernel) {
		a := Address{Link: "nope0", Prefix: netip.MustParsePrefix("192.0.2.1/24")}
		r := Route{To: netip.MustParsePrefix("192.0.2.0/24"), Link: "nope0"}
		_, err := k.Addresses("nope0")
		absent(t, "Addresses", err)
		absent(t, "AddAddress", k.AddAddress(a))
		absent(t, "RemoveAddress", k.RemoveAddress(a))
		absent(t, "AddRoute", k.AddRoute(r))
		absent(t, "RemoveRoute", k.RemoveRoute(r))
		absent(t, "SetLinkUp", k.SetLinkUp("nope0", true))
		_, err = k.Sysctl("net/ipv4/conf/nope0/rp_filter")
		absent(t, "Sysctl", err)
		absent(t, "SetSysctl", k.SetSysctl("net/ipv4/conf/nope0/rp_filter", "1"))
		_, err = k.Counters(every.TableName)
		absent(t, "Counters", err)
		_, err = k.Elements(every.TableName, "tried4")
		absent(t, "Elements", err)
		absent(t, "CheckTable", k.CheckTable(every))
		must(t, k.RemoveTable(every.TableName))
	})
}

func TestTables(t *testing.T) {
	kernels(t, func(t *testing.T, k Kernel) {
		must(t, k.ReplaceTable(every))
		must(t, k.ReplaceTable(every))
		must(t, k.CheckTable(every))
		if all, err := k.Tables(); err != nil || !slices.Contains(all, every.TableName) {
			t.Errorf("tables %v, %v", all, err)
		}
		counts, err := k.Counters(every.TableName)
		must(t, err)
		if c, ok := counts["refused"]; !ok || c.Packets != 0 {
			t.Errorf("counters %v", counts)
		}
		if some, err := k.Elements(every.TableName, "tried4"); err != nil || len(some) != 0 {
			t.Errorf("elements %v, %v", some, err)
		}
		for name, other := range different() {
			if err := k.CheckTable(other); err == nil {
				t.Errorf("%s: the kernel's table passes for another one", name)
			}
		}
		must(t, k.RemoveTable(every.TableName))
		absent(t, "CheckTable", k.CheckTable(every))
	})
}

func TestWatchTellsOfChanges(t *testing.T) {
	kernels(t, func(t *testing.T, k Kernel) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		seen, ended := make(chan struct{}, 1), make(chan error, 1)
		go func() {
			ended <- k.Watch(ctx, func() {
				select {
				case seen <- struct{}{}:
				default:
				}
			})
		}()
		told := func(what string) {
			t.Helper()
			select {
			case <-seen:
			case err := <-ended:
				t.Fatalf("watching ended: %v", err)
			case <-ctx.Done():
				t.Fatalf("nothing was told %s", what)
			}
		}
		told("at the beginning: what changed before would be missed")
		must(t, k.SetLinkUp("lan0", true))
		told("of a change")
		cancel()
		must(t, <-ended)
	})
}
