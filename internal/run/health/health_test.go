package health

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// look makes one check.
func look(t *testing.T, c Check) Finding {
	t.Helper()
	got := Examine(t.Context(), []Check{c})
	if len(got) != 1 || got[0].ID != c.ID || got[0].Word != got[0].State.String() {
		t.Fatalf("got %+v for %s", got, c.ID)
	}
	return Finding{got[0].State, got[0].Says, got[0].Do}
}

func TestChecks(t *testing.T) {
	eth := func(name string) Port { return Port{Name: name, Ethernet: true, Carrier: true} }
	way := Port{Name: "wan", Ethernet: true, Carrier: true, Default: true}
	ports := func(p ...Port) func() ([]Port, error) { return func() ([]Port, error) { return p, nil } }
	noPorts := func() ([]Port, error) { return nil, errors.New("denied") }
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	clock := func(c ClockState, err error) func() (ClockState, error) {
		return func() (ClockState, error) { return c, err }
	}
	room := func(free uint64, err error) func(string) (Room, error) {
		return func(string) (Room, error) { return Room{Free: free, Total: 32 << 30}, err }
	}
	kernel := func(err error, missing ...string) func() ([]string, error) {
		return func() ([]string, error) { return missing, err }
	}
	answers := func(_ context.Context, up string) (bool, error) {
		switch up {
		case "dead":
			return false, errors.New("no answer within 2 s")
		default:
			return up == "good", nil
		}
	}
	for _, c := range []struct {
		name  string
		check Check
		state State
		says  string
		does  bool
	}{
		{"two ports", Ports(ports(eth("a"), way), "", ""), Good, "a (wired, link up)", false},
		{"one port", Ports(ports(way, Port{Name: "w", Wireless: true}), "", ""), Bad, "has 1", true},
		{"no such port", Ports(ports(eth("a"), way), "x", "wan"), Bad, "no port x; there are a (wired", true},
		{"no port at all", Ports(ports(), "x", ""), Bad, "there are none", true},
		{"cable out", Ports(ports(eth("a"), Port{Name: "b", Ethernet: true}), "a", "b"), Remark, "b has no link", true},
		{"ports unknown", Ports(noPorts, "", ""), Bad, "denied", true},
		{"uplink", Uplink(ports(way)), Good, "leaves by wan", false},
		{"no uplink", Uplink(ports(eth("a"))), Remark, "no default route", true},
		{"routes unknown", Uplink(noPorts), Unknown, "denied", true},
		{"clock", Clock(clock(ClockState{Now: now, Synchronised: true}, nil)), Good, "2026-11-23 12:00:00", false},
		{"clock free", Clock(clock(ClockState{Now: now}, nil)), Remark, "not synchronised", true},
		{"clock never set", Clock(clock(ClockState{Now: time.Unix(0, 0)}, nil)), Bad, "1970-01-01", true},
		{"clock unknown", Clock(clock(ClockState{}, errors.New("denied"))), Unknown, "denied", true},
		{"room", Space("runs", room(8<<30, nil)), Good, "8192 MB of 32768 MB", false},
		{"little room", Space("runs", room(500<<20, nil)), Remark, "500 MB", true},
		{"no room", Space("runs", room(1<<20, nil)), Bad, "1 MB", true},
		{"no folder", Space("runs", room(0, errors.New("no such folder"))), Bad, "no such folder", true},
		{"kernel", Kernel(kernel(nil)), Good, "masquerade", false},
		{"old kernel", Kernel(kernel(nil, "NAT", "ring")), Bad, "NAT; ring", true},
		{"kernel unknown", Kernel(kernel(errors.New("denied"))), Unknown, "denied", true},
		{"dns", DNS([]string{"good"}, answers), Good, "good passes DNSSEC data on.", false},
		{"dns strips", DNS([]string{"poor"}, answers), Bad, "without DNSSEC", true},
		{"dns mixed", DNS([]string{"good", "dead"}, answers), Remark, "dead does not answer", true},
		{"dns none", DNS(nil, answers), Unknown, "No upstream", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := look(t, c.check)
			if f.State != c.state || !strings.Contains(f.Says, c.says) || (f.Do != "") != c.does {
				t.Errorf("got %v %q, do %q; want %v with %q", f.State, f.Says, f.Do, c.state, c.says)
			}
		})
	}
}

func TestWorst(t *testing.T) {
	of := func(s ...State) State {
		var r []Result
		for _, x := range s {
			r = append(r, Result{State: x})
		}
		return Worst(r)
	}
	if of() != Good || of(Good, Remark) != Remark || of(Bad, Good) != Bad || of(Good, Unknown) != Remark || of(Unknown, Bad) != Bad {
		t.Error("the worst of the results is not what decides")
	}
}

func TestOneCheckCannotHoldUpTheOthers(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	slow := Check{"slow", "slow", func(ctx context.Context) Finding {
		<-ctx.Done()
		return Finding{Unknown, "cut off", "wait"}
	}}
	if got := Examine(ctx, []Check{slow, slow}); len(got) != 2 {
		t.Errorf("%d results, want 2", len(got))
	}
}

func TestChoose(t *testing.T) {
	up := Port{Name: "eth0", Ethernet: true, Default: true}
	usb, third := Port{Name: "eth1", Ethernet: true}, Port{Name: "eth2", Ethernet: true}
	wifi := Port{Name: "wlan0", Wireless: true, Default: true}
	for _, c := range []struct {
		name          string
		ports         []Port
		lan, wan      string
		wantL, wantW  string
		wantErrorSays string
	}{
		{"two ports", []Port{up, usb}, "", "", "eth1", "eth0", ""},
		{"named", []Port{up, usb}, "eth0", "eth1", "eth0", "eth1", ""},
		{"lan named", []Port{up, usb, third}, "eth2", "", "eth2", "eth0", ""},
		{"wan named", []Port{up, usb}, "", "wlan0", "", "", "2 wired ones are left"},
		{"wifi leads out", []Port{usb, wifi}, "", "", "", "", "name it with --wan; there are eth1 (wired, no link), wlan0"},
		{"three ports", []Port{up, usb, third}, "", "", "", "", "name it with --lan"},
		{"one port", []Port{up}, "", "", "", "", "0 wired ones"},
		{"nothing", nil, "", "", "", "", "there are none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lan, wan, err := Choose(c.ports, c.lan, c.wan)
			if lan != c.wantL || wan != c.wantW || (err == nil) != (c.wantErrorSays == "") {
				t.Fatalf("got %q, %q, %v", lan, wan, err)
			}
			if err != nil && !strings.Contains(err.Error(), c.wantErrorSays) {
				t.Errorf("got %v", err)
			}
		})
	}
}
