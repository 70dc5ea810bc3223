package manners

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"assay/internal/assess/evidence"
)

var (
	deviceLink   = netip.MustParseAddr("fe80::9")
	deviceGlobal = netip.MustParseAddr("2001:db8::9")
	boxLink      = netip.MustParseAddr("fe80::1")
	boxGlobal    = netip.MustParseAddr("2001:db8::1")
)

// puppet is a port with a device behind it.
type puppet struct {
	addrs   []netip.Addr
	deaf    bool // answers nothing
	stays   bool // does not shrink
	leaves  int  // sent messages after which it has no address any more; 0 for never
	told    bool
	waiting []Reply
	sent    []string
	notes   []string
}

func (p *puppet) Send(from, to netip.Addr, hops int, m []byte) error {
	kind := map[byte]string{134: "advertisement", typeRequest: "echo", typeTooBig: "too-big"}[m[0]]
	p.sent = append(p.sent, kind)
	if want := map[netip.Addr]netip.Addr{deviceLink: boxLink, deviceGlobal: boxGlobal}[to]; want != from {
		return errors.New("from the wrong address")
	}
	if (kind == "advertisement") != (hops == farHops && m[0] == 134) {
		return errors.New("with a wrong hop limit")
	}
	p.told = p.told || kind == "too-big"
	if kind == "echo" && !p.deaf {
		reply := bytes.Clone(m)
		reply[0] = typeReply
		p.waiting = append(p.waiting, Reply{From: deviceGlobal, Message: []byte{typeReply, 0}}, Reply{From: to, Message: reply, Pieces: p.told && !p.stays})
	}
	if p.leaves > 0 && len(p.sent) >= p.leaves {
		p.addrs = nil
	}
	return nil
}

func (p *puppet) Receive(_ []byte, deadline time.Time) (r Reply, err error) {
	if len(p.waiting) == 0 {
		<-time.After(time.Until(deadline))
		return r, os.ErrDeadlineExceeded
	}
	r, p.waiting = p.waiting[0], p.waiting[1:]
	return r, nil
}

func (p *puppet) Close() error {
	p.sent = append(p.sent, "closed")
	return nil
}

func (p *puppet) run(ctx context.Context) error {
	return Run(ctx, Config{
		Open:   func() (Port, error) { return p, nil },
		Device: func(context.Context) ([]netip.Addr, error) { return p.addrs, nil },
		From: func(to netip.Addr) (netip.Addr, bool) {
			if to.IsLinkLocalUnicast() {
				return boxLink.WithZone("lan"), true
			}
			return boxGlobal, netip.MustParsePrefix("2001:db8::/64").Contains(to)
		},
		Prefix: netip.MustParsePrefix("fd00:1::/64"),
		Note: func(n evidence.Note) {
			var body Note
			if err := json.Unmarshal(n.Body, &body); err != nil || n.Kind != NoteManners {
				panic(err)
			}
			p.notes = append(p.notes, body.What)
		},
	})
}

func TestWhatIsSent(t *testing.T) {
	both := []netip.Addr{netip.MustParseAddr("192.0.2.9"), deviceLink.WithZone("lan"), deviceGlobal}
	ads := "advertisement advertisement advertisement "
	for name, c := range map[string]struct {
		device puppet
		sent   string
		fails  error
		says   string
	}{
		"it shrinks":        {puppet{}, ads + "echo too-big echo echo closed", nil, ""},
		"it does not":       {puppet{stays: true}, ads + "echo too-big echo too-big echo too-big echo closed", nil, ""},
		"it never answers":  {puppet{deaf: true}, ads + "echo echo echo echo echo echo closed", ErrSilent, ""},
		"it goes away":      {puppet{leaves: 2}, "advertisement advertisement closed", nil, "not an address of the device"},
		"it has no IPv6":    {puppet{addrs: []netip.Addr{netip.MustParseAddr("192.0.2.9")}}, "", ErrNoIPv6, ""},
		"it is elsewhere":   {puppet{addrs: []netip.Addr{netip.MustParseAddr("2001:db8:7::9")}}, "", ErrNoIPv6, ""},
		"of the link alone": {puppet{addrs: []netip.Addr{deviceLink}}, ads + "echo too-big echo echo closed", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := c.device
				if p.addrs == nil {
					p.addrs = both
				}
				if err := p.run(t.Context()); !errors.Is(err, c.fails) && (c.says == "" || !strings.Contains(err.Error(), c.says)) {
					t.Errorf("error %v", err)
				}
				p.check(t, c.sent)
			})
		})
	}
}

// check compares what was sent, and that each message had its note before.
func (p *puppet) check(t *testing.T, sent string) {
	t.Helper()
	if got := strings.Join(p.sent, " "); got != sent {
		t.Errorf("sent\n%s\nwant\n%s", got, sent)
	}
	if told := append(slices.Clone(p.notes), "closed"); len(p.sent) > 0 && !slices.Equal(told, p.sent) {
		t.Errorf("noted %v, sent %v", told, p.sent)
	}
}

func TestItEndsWhenItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		over := errors.New("enough")
		time.AfterFunc(time.Second, func() { cancel(over) })
		p := puppet{addrs: []netip.Addr{deviceLink, deviceGlobal}}
		if err := p.run(ctx); !errors.Is(err, over) || strings.Join(p.sent, " ") != "advertisement closed" {
			t.Errorf("error %v, sent %v", err, p.sent)
		}
	})
}

// TestTooBigQuotesThePacket: the device finds its own packet in it.
func TestTooBigQuotesThePacket(t *testing.T) {
	reply := echoRequest(3)
	reply[0] = typeReply
	b := tooBig(deviceGlobal, boxGlobal, reply)
	want := append([]byte{typeTooBig, 0, 0, 0, 0, 0, leastMTU >> 8, leastMTU & 0xff, 6 << 4, 0, 0, 0}, byte(len(reply)>>8), byte(len(reply)), 58, someHops)
	want = append(append(append(want, deviceGlobal.AsSlice()...), boxGlobal.AsSlice()...), reply...)
	if len(b) != leastMTU-40 || !bytes.HasPrefix(want, b) {
		t.Errorf("%d bytes that begin %x", len(b), b[:48])
	}
	if whole := 40 + len(reply); whole <= leastMTU || whole > 1500 {
		t.Errorf("a packet of %d bytes shows nothing", whole)
	}
}
