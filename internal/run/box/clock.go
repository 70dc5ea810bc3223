//go:build linux

package box

import (
	"time"

	"assay/internal/gateway/ntp"
	"assay/internal/run/health"
)

// stratum is what the box says of itself when its clock is synchronised: it does
// not know its own server's, and a device needs no better one.
const stratum = 3

// SystemClock tells devices what the kernel says of the box's clock.
func SystemClock() ntp.Clock {
	c, err := health.ReadClock()
	if err != nil || !c.Synchronised {
		return ntp.Clock{}
	}
	return ntp.Clock{
		Synchronised: true, Stratum: stratum, Reference: [4]byte{127, 0, 0, 1},
		Updated: c.Now.Add(-time.Minute), RootDispersion: c.MaxError,
	}
}
