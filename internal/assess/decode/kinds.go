package decode

import (
	"slices"

	"assay/internal/assess/decode/clear"
	"assay/internal/assess/decode/dhcp"
	"assay/internal/assess/decode/local"
	"assay/internal/assess/decode/name"
	"assay/internal/assess/decode/secure"
	"assay/internal/assess/decode/wire"
)

// protocols holds what can be recognised, in the order in which it is tried: the
// first sure recogniser wins, so those with the most telling beginnings come first.
type protocols struct {
	streams   []wire.StreamKind
	datagrams []wire.DatagramKind
	unknown   clear.Unknown
}

func newProtocols(opts Options) protocols {
	return protocols{
		unknown:   clear.NewUnknown(opts.Canaries),
		streams:   slices.Concat(secure.Streams(), clear.Streams(opts.Canaries), name.Streams()),
		datagrams: slices.Concat(name.Datagrams(), dhcp.Datagrams(), secure.Datagrams(), local.Datagrams()),
	}
}

// unknownStream reads a TCP conversation that nobody recognised.
func (p *protocols) unknownStream() wire.Stream { return p.unknown.Stream() }

// unknownDatagram reads a UDP conversation that nobody recognised.
func (p *protocols) unknownDatagram() wire.Datagram { return p.unknown.Datagram() }
