package main

import (
	"context"
	"os"
	"path/filepath"

	"assay/internal/gateway/resolver/upstream"
	"assay/internal/run/box"
	"assay/internal/run/config"
	"assay/internal/run/health"
)

const resolvConf = "/etc/resolv.conf"

// checks are what a box with these settings needs.
func checks(set config.Config) []health.Check {
	list := func() ([]health.Port, error) { return health.ListPorts(set.Ports.LAN, set.Ports.WAN) }
	servers := upstreams(set)
	var names []string
	byName := map[string]upstream.Server{}
	for _, s := range servers {
		names = append(names, s.String())
		byName[s.String()] = s
	}
	ask := func(ctx context.Context, name string) (bool, error) { return box.AskUpstream(ctx, byName[name]) }
	return []health.Check{
		health.Ports(list, set.Ports.LAN, set.Ports.WAN),
		health.Kernel(health.TryKernel),
		health.Uplink(list),
		health.Clock(health.ReadClock),
		health.DNS(names, ask),
		health.Space(nearest(set.Store.Folder), health.ReadRoom),
	}
}

// upstreams are the resolvers that a box with these settings would ask.
func upstreams(set config.Config) []upstream.Server {
	var out []upstream.Server
	for _, u := range set.DNS.Upstreams {
		out = append(out, upstream.Server{Addr: u.Addr, Name: u.Name})
	}
	if len(out) == 0 {
		out = box.SystemResolvers(resolvConf)
	}
	return out
}

// nearest is the folder itself or the nearest one above it that exists: a folder
// of runs is made at the first start.
func nearest(folder string) string {
	for {
		up := filepath.Dir(folder)
		if _, err := os.Stat(folder); err == nil || up == folder {
			return folder
		}
		folder = up
	}
}
