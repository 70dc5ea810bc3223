//go:build linux

package box

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
	"assay/internal/gateway/lan"
	"assay/internal/gateway/netos"
	"assay/internal/gateway/ntp"
	"assay/internal/run/plan"
	"assay/internal/run/trial"
)

// clockTrial tells the device a later time.
type clockTrial struct{ t *trials }

const portNTP = 123

func (e clockTrial) Run(ctx context.Context, d trial.Device, s plan.Step, turn plan.Turn) error {
	b := e.t.box
	others, err := b.desk.Others(ctx, e.t.mac)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return fmt.Errorf("%w: there are other devices on the port, who would be told the same time; unplug them", plan.ErrImpossible)
	}
	if b.cfg.Clock == nil || !b.cfg.Clock().Synchronised {
		return fmt.Errorf("%w: the box does not know the true time; let it reach a time server", plan.ErrImpossible)
	}
	every := []lan.Redirection{
		{Protocol: netos.UDP, Port: portNTP, Local: portNTP},
		{Protocol: netos.UDP, Port: portQUIC, Local: portClosed}, // so that certificates are seen over TCP
	}
	return trial.Clock{Servers: e.servers, Tell: b.tellTime, Redirect: func(ctx context.Context, on bool) error {
		if !on {
			every = nil
		}
		return e.t.redirect(ctx, plan.Clock, every)
	}}.Run(ctx, d, s, turn)
}

// serversMost bounds the servers whose certificates are looked at, and lookMost the time
// for each.
const (
	serversMost = 32
	lookMost    = 5 * time.Second
)

// servers looks at the certificates of those with which the device spoke TLS.
func (e clockTrial) servers(ctx context.Context) (out []event.ClockServer, err error) {
	snap, err := e.t.box.desk.Grade(ctx, e.t.mac)
	if err != nil {
		return nil, err
	}
	for _, d := range snap.Report.Destinations {
		a, err := netip.ParseAddr(d.Address)
		if err != nil || d.Local || !overTLS(d) || len(out) >= serversMost {
			continue
		}
		s := event.ClockServer{Name: strings.TrimSuffix(strings.ToLower(d.Name), "."), Server: netip.AddrPortFrom(a, d.Port)}
		if e.look(ctx, &s) == nil {
			out = append(out, s)
		}
	}
	return out, context.Cause(ctx)
}

// look asks one server for its certificate, whoever has signed it.
func (e clockTrial) look(ctx context.Context, s *event.ClockServer) error {
	ctx, cancel := context.WithTimeout(ctx, lookMost)
	defer cancel()
	raw, err := e.t.box.dial(ctx, "tcp", s.Server.String())
	if err != nil {
		return err
	}
	c := tls.Client(raw, &tls.Config{ServerName: s.Name, InsecureSkipVerify: true}) //nolint:gosec // its dates are wanted, nothing is sent
	err = c.HandshakeContext(ctx)
	if chain := c.ConnectionState().PeerCertificates; len(chain) > 0 {
		sum := sha256.Sum256(chain[0].Raw)
		s.NotAfter, s.Leaf = chain[0].NotAfter.UTC(), hex.EncodeToString(sum[:])
		err = nil // a server may want a certificate of the client
	} else if err == nil {
		err = errors.New("the server showed no certificate")
	}
	return errors.Join(err, raw.Close())
}

// tellTime adds an offset to the time that is told over NTP.
func (b *Box) tellTime(offset time.Duration, servers []event.ClockServer) {
	n := event.ClockNote{Phase: event.Begun, Offset: offset, Servers: servers}
	if offset == 0 {
		n.Phase = event.Ended
	}
	body, err := json.Marshal(n)
	if err != nil {
		return // it has nothing that cannot be written
	}
	if offset != 0 { // nobody is told another time without its note
		b.note(evidence.Note{Kind: event.NoteClock, Body: body})
	}
	b.offset.Store(int64(offset))
	if offset == 0 {
		b.note(evidence.Note{Kind: event.NoteClock, Body: body})
	}
}

// clock is what the box's NTP knows of the time, with what an experiment adds to it.
func (b *Box) clock() (c ntp.Clock) {
	if b.cfg.Clock != nil {
		c = b.cfg.Clock()
	}
	c.Offset += time.Duration(b.offset.Load())
	return c
}
