package assess

import (
	"math/rand"
	"net/netip"
	"strings"
	"testing"

	"assay/internal/assess/event"
	"assay/internal/assess/fact"
)

func host(last byte, change func(*fact.Host)) fact.Host {
	h := fact.Host{ID: event.HostByMAC([6]byte{2, 0, 0, 0, 0, last}), Events: 10}
	change(&h)
	return h
}

func router(h *fact.Host)   { h.Routes, h.GivesDHCP, h.AnswersDNS, h.Serves = true, true, 90, 400 }
func peer(h *fact.Host)     { h.Serves = 3 }
func camera(h *fact.Host)   { h.AsksDHCP, h.AsksDNS, h.Opens, h.OpensFar = true, 20, 30, 12 }
func busier(h *fact.Host)   { camera(h); h.OpensFar = 13; h.Opens = 31 }
func staticIP(h *fact.Host) { h.AsksDNS, h.Opens, h.OpensFar = 90, 500, 400 }
func uplink(h *fact.Host)   { router(h); h.AsksDHCP, h.Opens, h.OpensFar = true, 900, 900 }

func asker(h *fact.Host)     { h.AsksDNS, h.Opens = 4, 4 }
func forwarder(h *fact.Host) { h.AsksDNS, h.AnswersDNS, h.Opens, h.OpensFar, h.Serves = 6, 2, 6, 4, 4 }

func midway(h *fact.Host)  { h.Midway = 1 }
func passing(h *fact.Host) { h.Midway, h.SpeaksFor = 1, 1 }

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		name  string
		hosts []fact.Host
		want  byte
		says  string
	}{
		{"device and router", []fact.Host{host(1, router), host(2, camera)}, 2, "is the only host that asked for a DHCP lease and opened conversations to the internet; 1 other host: 02:00:00:00:00:01 (router, DHCP server"},
		{"the router's own traffic does not make it the device", []fact.Host{host(1, uplink), host(2, camera)}, 2, "is the only host"},
		{"a DHCP client beats a busier host without lease", []fact.Host{host(3, staticIP), host(2, camera)}, 2, "is the only host that asked for a DHCP lease"},
		{"without DHCP the one that talks to the internet", []fact.Host{host(1, router), host(3, staticIP), host(4, peer)}, 3, "the only host that opened conversations to the internet"},
		{"two devices", []fact.Host{host(2, camera), host(5, busier), host(1, router)}, 5, "the one with the most to the internet (13, the next has 12)"},
		{"two alike", []fact.Host{host(6, camera), host(5, camera)}, 5, "cannot be told from another host"},
		{"who is seen midway, not the router that passes it on", []fact.Host{host(7, passing), host(8, midway)}, 8, "seen in the middle of one; 1 other host: 02:00:00:00:00:07 (was seen in the middle of 1 conversation, speaks for internet addresses)"},
		{"a forwarder that asks on more than it answers", []fact.Host{host(9, forwarder), host(8, asker)}, 8, "is the only host"},
		{"a device that also answers names, alone", []fact.Host{host(1, router), host(9, forwarder)}, 9, "is the only host"},
		{"nobody acts", []fact.Host{host(4, peer)}, 0, "No host looks like a device: 02:00:00:00:00:04 (answered 3 conversations)"},
		{"nobody at all", nil, 0, "No host was found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, why := Choose(c.hosts)
			mac, _ := got.ID.MAC()
			if mac[5] != c.want || !strings.Contains(why, c.says) {
				t.Errorf("chose %s because %q, want host %d because %q", got.ID, why, c.want, c.says)
			}
		})
	}
}

func TestChooseNamesItsDoubt(t *testing.T) {
	if _, why := Choose([]fact.Host{host(2, camera), host(5, busier)}); !strings.Contains(why, "among 2 hosts") {
		t.Errorf("two hosts could be the device, but the explanation is silent about it: %s", why)
	}
	if _, why := Choose([]fact.Host{host(2, camera), host(1, router)}); strings.Contains(why, "could be the device") {
		t.Errorf("the explanation doubts without need: %s", why)
	}
}

func TestChooseDoesNotDependOnOrder(t *testing.T) {
	hosts := []fact.Host{host(1, router), host(2, camera), host(3, staticIP), host(4, peer), host(5, camera)}
	want, _ := Choose(hosts)
	for range 50 {
		rand.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
		if got, _ := Choose(hosts); got.ID != want.ID {
			t.Fatalf("another order chose %s instead of %s", got.ID, want.ID)
		}
	}
}

func TestFind(t *testing.T) {
	cam := host(2, func(h *fact.Host) { h.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.7")} })
	for _, name := range []string{"02:00:00:00:00:02", "02-00-00-00-00-02", " 02:00:00:00:00:02", "192.0.2.7", "::ffff:192.0.2.7"} {
		if _, ok := Find([]fact.Host{host(1, router), cam}, name); !ok {
			t.Errorf("%q is not found", name)
		}
	}
	if _, ok := Find([]fact.Host{cam}, "192.0.2.8"); ok {
		t.Error("an address that nobody has was found")
	}
}
