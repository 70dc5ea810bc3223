package health

import (
	"context"
	"fmt"
	"time"
)

// Uplink asks whether the machine has a way out.
func Uplink(list func() ([]Port, error)) Check {
	return Check{"uplink", "way to the internet", func(context.Context) Finding {
		ports, err := list()
		if err != nil {
			return Finding{Unknown, fmt.Sprintf("The routes cannot be read: %v.", err), "Run this as root on the box itself."}
		}
		for _, p := range ports {
			if p.Default && p.Carrier {
				return Finding{Good, fmt.Sprintf("The default route leaves by %s.", p.Name), ""}
			}
		}
		return Finding{Remark, "There is no default route yet: devices would find a network without an internet.",
			"Plug the network's cable into the uplink port; with uplink mode dhcp the box asks for an address when the gateway starts."}
	}}
}

// ClockState is what the kernel says of its clock.
type ClockState struct {
	Now          time.Time
	Synchronised bool
	MaxError     time.Duration // 0 when unknown
}

// built is before any day on which this program can run: a clock that shows an
// earlier day was never set.
var built = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Clock asks whether the box knows the time: certificates and signatures are
// judged by it, and a device is told it.
func Clock(read func() (ClockState, error)) Check {
	return Check{"clock", "the time", func(context.Context) Finding {
		c, err := read()
		const set = "Let a time client such as chrony run on the box, or set the clock by hand."
		switch {
		case err != nil:
			return Finding{Unknown, fmt.Sprintf("The kernel does not tell the state of its clock: %v.", err), set}
		case c.Now.Before(built):
			return Finding{Bad, fmt.Sprintf("The clock shows %s, which is in the past: no certificate and no signature can be judged.", c.Now.UTC().Format(time.DateOnly)), set}
		case !c.Synchronised:
			return Finding{Remark, fmt.Sprintf("The clock shows %s and is not synchronised.", c.Now.UTC().Format(time.DateTime)), set}
		}
		return Finding{Good, fmt.Sprintf("The clock is synchronised: %s UTC.", c.Now.UTC().Format(time.DateTime)), ""}
	}}
}

// Room is what is left on the disk of the runs' folder.
type Room struct{ Free, Total uint64 } // bytes

// A run of an hour of a camera is some hundreds of megabytes.
const (
	spaceBad    = 64 << 20
	spaceRemark = 1 << 30
)

// Space asks whether the folder of the runs has room.
func Space(folder string, read func(folder string) (Room, error)) Check {
	return Check{"space", "room for evidence", func(context.Context) Finding {
		r, err := read(folder)
		const free = "Delete old runs, lower the retention limit, or use a larger card."
		says := fmt.Sprintf("%d MB of %d MB are free in %s.", r.Free>>20, r.Total>>20, folder)
		switch {
		case err != nil:
			return Finding{Bad, fmt.Sprintf("The folder of the runs cannot be used: %v.", err), "Create the folder, or name another one in the configuration."}
		case r.Free < spaceBad:
			return Finding{Bad, says, free}
		case r.Free < spaceRemark:
			return Finding{Remark, says, free}
		}
		return Finding{Good, says, ""}
	}}
}

// Kernel asks whether the kernel can do what a gateway needs; try returns what is
// missing, in words.
func Kernel(try func() (missing []string, err error)) Check {
	return Check{"kernel", "kernel features", func(context.Context) Finding {
		missing, err := try()
		switch {
		case err != nil:
			return Finding{Unknown, fmt.Sprintf("The kernel's features cannot be tried: %v.", err), "Run this as root."}
		case len(missing) > 0:
			return Finding{Bad, fmt.Sprintf("The kernel lacks: %s.", list(missing)), "Use a kernel with nftables NAT for IPv4 and IPv6, AF_PACKET and IPv6."}
		}
		return Finding{Good, "nftables with masquerade and redirect for IPv4 and IPv6, packet capture in a ring, and IPv6 forwarding work.", ""}
	}}
}

func list(what []string) string {
	out := what[0]
	for _, w := range what[1:] {
		out += "; " + w
	}
	return out
}

// DNS asks whether an upstream resolver gives DNSSEC data; ask returns what was
// found, and an error that says what is wrong.
func DNS(upstreams []string, ask func(ctx context.Context, upstream string) (dnssec bool, err error)) Check {
	return Check{"dns", "upstream DNSSEC", func(ctx context.Context) Finding {
		const other = "Name a resolver that passes DNSSEC data on, under dns.upstreams in the configuration."
		if len(upstreams) == 0 {
			return Finding{Unknown, "No upstream resolver is known yet.", "Name one under dns.upstreams, or connect the uplink, which names its own."}
		}
		said, signed := "", 0
		for _, u := range upstreams {
			ok, err := ask(ctx, u)
			switch {
			case err != nil:
				said += fmt.Sprintf(" %s does not answer: %v.", u, err)
			case !ok:
				said += fmt.Sprintf(" %s answers without DNSSEC data.", u)
			default:
				said += fmt.Sprintf(" %s passes DNSSEC data on.", u)
				signed++
			}
		}
		switch {
		case signed == len(upstreams):
			return Finding{Good, said[1:], ""}
		case signed > 0:
			return Finding{Remark, said[1:], "Remove the resolvers that do not."}
		}
		return Finding{Bad, said[1:], other}
	}}
}
