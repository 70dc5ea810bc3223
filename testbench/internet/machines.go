package internet

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/netip"

	"assay/testbench/internet/servers"
	"assay/testbench/internet/zone"
)

// machine is a host with its default name and its TLS.
type machine struct {
	name    string
	host    zone.Host
	profile servers.Profile
}

// public are the public resolvers. They speak TLS 1.2 and 1.3.
func public() []machine {
	return []machine{
		{name: "dns.google", host: zone.GoogleHost},
		{name: "dns.google", host: zone.Google2Host},
		{name: "one.one.one.one", host: zone.CloudHost},
		{name: "dns.quad9.net", host: zone.QuadHost},
	}
}

// clouds are the machines that devices talk to. What they offer is the same
// everywhere: HTTP, HTTPS, MQTT, MQTT over TLS and NTP.
func clouds() []machine {
	only := func(version uint16) servers.Profile { return servers.Profile{Min: version, Max: version} }
	return []machine{
		{name: "cam.example", host: zone.CamHost},
		{name: "hub.example", host: zone.HubHost},
		{name: "lock.example", host: zone.LockHost},
		{name: "plug.example", host: zone.PlugHost},
		{name: "kettle.things", host: zone.KettleHost},
		{name: "toy.legacy", host: zone.ToyHost},
		{name: "cam.things", host: zone.ThingsHost},
		{name: "www.example.com", host: zone.WebHost},
		{name: "ntp.example", host: zone.TimeHost},
		{name: "firmware.example", host: zone.UpdateHost},
		{name: "tls13.tls.example", host: zone.TLS13Host, profile: only(tls.VersionTLS13)},
		{name: "tls12.tls.example", host: zone.TLS12Host, profile: only(tls.VersionTLS12)},
		{name: "tls11.tls.example", host: zone.TLS11Host, profile: only(tls.VersionTLS11)},
		{name: "tls10.tls.example", host: zone.TLS10Host, profile: only(tls.VersionTLS10)},
		{name: "expired.tls.example", host: zone.ExpiredHost, profile: servers.Profile{Flaw: servers.Expired}},
		{name: "self-signed.tls.example", host: zone.SelfHost, profile: servers.Profile{Flaw: servers.SelfSigned}},
		{name: "wrong-name.tls.example", host: zone.WrongHost, profile: servers.Profile{Flaw: servers.WrongName}},
	}
}

// machines starts what names point to.
func (i *Internet) machines(ctx context.Context, o Options) error {
	broker, err := servers.NewBroker(i.group)
	if err != nil {
		return err
	}
	site := servers.Site(nil)
	for _, m := range clouds() {
		config := i.config(m.profile, m.name, m.host)
		for _, at := range []netip.Addr{m.host.V4, m.host.V6} {
			if err := i.machine(ctx, o, at, config, site, broker); err != nil {
				return err
			}
		}
	}
	return broker.Start()
}

func (i *Internet) machine(ctx context.Context, o Options, at netip.Addr, c *tls.Config, site http.Handler, b *servers.Broker) error {
	for _, start := range []func() error{
		func() error { return servers.HTTP(ctx, i.group, at, site) },
		func() error { return servers.HTTPS(ctx, i.group, at, c, site) },
		func() error { return servers.NTP(ctx, i.group, at, o.Clock) },
		func() error { return b.Plain(ctx, at) },
		func() error { return b.TLS(ctx, at, c) },
	} {
		if err := start(); err != nil {
			return err
		}
	}
	return nil
}
