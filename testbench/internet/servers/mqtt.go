package servers

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/netip"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"assay/testbench/internet/serve"
)

// Broker is one MQTT broker (3.1.1 and 5) behind several addresses. Everybody
// may publish and subscribe.
type Broker struct {
	server *mqtt.Server
	group  *serve.Group
}

// NewBroker makes a broker without addresses; Start begins to serve.
func NewBroker(g *serve.Group) (*Broker, error) {
	s := mqtt.New(&mqtt.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err := s.AddHook(new(auth.AllowHook), nil); err != nil {
		return nil, fmt.Errorf("cannot open the MQTT broker to everybody: %w", err)
	}
	return &Broker{server: s, group: g}, nil
}

// Plain adds port 1883 of an address.
func (b *Broker) Plain(ctx context.Context, at netip.Addr) error { return b.add(ctx, at, 1883, nil) }

// TLS adds port 8883 of an address.
func (b *Broker) TLS(ctx context.Context, at netip.Addr, config *tls.Config) error {
	return b.add(ctx, at, 8883, config)
}

func (b *Broker) add(ctx context.Context, at netip.Addr, port uint16, config *tls.Config) error {
	point := netip.AddrPortFrom(at, port)
	l, err := b.group.Listen(ctx, point)
	if err != nil {
		return err
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	if err := b.server.AddListener(listeners.NewNet(point.String(), l)); err != nil {
		return fmt.Errorf("cannot serve MQTT at %s: %w", point, err)
	}
	return nil
}

// Start serves all addresses until the group is closed.
func (b *Broker) Start() error {
	if err := b.server.Serve(); err != nil {
		return fmt.Errorf("cannot start the MQTT broker: %w", err)
	}
	b.group.Go(b.server.Close, func() {})
	return nil
}
