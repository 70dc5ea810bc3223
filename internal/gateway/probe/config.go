package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/gateway/probe/login"
)

// Device is what is known of the device at one moment.
type Device struct {
	Addresses []netip.Addr // its own
	Others    int          // other devices on the port
	Words     []string     // what it calls itself, and what the operator calls it: a hint at the vendor
}

// Pair is a well-known factory password.
type Pair struct{ Vendor, Service, User, Secret string }

// Pace is how fast questions are asked. The zero value is that of a real device; only
// a device that was made for a test bears more.
type Pace struct {
	Ports    int           // tried each second; 50
	Between  time.Duration // conversations; 1 s
	Attempts time.Duration // between passwords; 10 s
}

func (p Pace) orUsual() Pace {
	if p.Ports == 0 {
		p.Ports = 50
	}
	if p.Between == 0 {
		p.Between = time.Second
	}
	if p.Attempts == 0 {
		p.Attempts = 10 * time.Second
	}
	return p
}

// Config is what a Prober is made of.
type Config struct {
	// Interface is the LAN port; every socket is bound to it.
	Interface string
	// Do runs f inside the namespace of the box.
	Do func(f func() error) error
	// Device tells what is known of the device.
	Device func(ctx context.Context) (Device, error)
	// From gives the box's own address on the LAN port towards another, and whether
	// that is on the link.
	From func(to netip.Addr) (netip.Addr, bool)
	// Far gives an address of the box outside of the device's network, of the same
	// version as the other, from which a question over UDP is asked once; not valid for
	// none. May be nil.
	Far func(to netip.Addr) netip.Addr
	// Note takes the notes of what was asked; it returns before the next byte goes to
	// the device.
	Note func(evidence.Note)
	// Secrets takes lines of a TLS key log. May be nil.
	Secrets func(line string)
	// Consent is the owner's; without Tester and Owner no password is tried. Guessing
	// is only watched when Reset says how the device is reset.
	Consent event.ConsentNote
	Reset   string
	Pairs   []Pair
	// Clients are the protocols that know passwords, by the name of the service.
	Clients map[string]login.Client
	All     bool // every port, not the common ones alone
	Pace    Pace
	// Tell takes what is done at the moment. May be nil.
	Tell func(done, all int, words string)
}

// Prober asks one device, once.
type Prober struct {
	cfg    Config
	ports  ports
	last   time.Time // of a conversation
	resets int       // connections that the device reset
}

// ErrForbidden says that a rule of caution does not allow a question.
var ErrForbidden = errors.New("the rules of caution do not allow it")

// New makes a prober.
func New(cfg Config) (*Prober, error) {
	if cfg.Interface == "" || cfg.Do == nil || cfg.Device == nil || cfg.From == nil || cfg.Note == nil {
		return nil, errors.New("cannot ask a device without a port, its addresses and somebody who takes notes")
	}
	cfg.Pace = cfg.Pace.orUsual()
	if cfg.Far == nil {
		cfg.Far = func(netip.Addr) netip.Addr { return netip.Addr{} }
	}
	if cfg.Tell == nil {
		cfg.Tell = func(int, int, string) {}
	}
	return &Prober{cfg: cfg}, nil
}

func (p *Prober) note(n event.ProbeNote) {
	n.Server = netip.AddrPortFrom(n.Server.Addr().WithZone(""), n.Server.Port())
	n.Client = netip.AddrPortFrom(n.Client.Addr().WithZone(""), n.Client.Port())
	p.say(event.NoteProbe, n)
}

func (p *Prober) say(kind string, n any) {
	body, err := json.Marshal(n)
	if err == nil { // it has nothing that cannot be written
		p.cfg.Note(evidence.Note{Kind: kind, Body: body})
	}
}

// allowed is the first rule: only the device, only on its cable, only when alone.
func (p *Prober) allowed(ctx context.Context, to netip.Addr) (from netip.Addr, err error) {
	d, err := p.cfg.Device(ctx)
	if err != nil {
		return from, fmt.Errorf("cannot ask the device at %s: %w", to, err)
	}
	if d.Others > 0 {
		return from, fmt.Errorf("cannot ask the device at %s: %w: there are %d other devices on the port; unplug them", to, ErrForbidden, d.Others)
	}
	own := false
	for _, a := range d.Addresses {
		own = own || a.WithZone("").Unmap() == to.WithZone("").Unmap()
	}
	if !own {
		return from, fmt.Errorf("cannot ask %s: %w: it is not an address of the device", to, ErrForbidden)
	}
	from, onLink := p.cfg.From(to)
	if !onLink || to.IsMulticast() || to.IsLoopback() || to.IsUnspecified() {
		return from, fmt.Errorf("cannot ask %s: %w: it is not on the LAN port", to, ErrForbidden)
	}
	return from, nil
}
