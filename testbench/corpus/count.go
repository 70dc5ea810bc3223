// Package corpus holds what the program reads out of captures that other people
// made against what tshark counts in the same files. It owns the counting only;
// the captures are not part of the project, and it must not know any verdict.
package corpus

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"assay/internal/assess/decode"
	"assay/internal/assess/event"
	"assay/internal/assess/evidence"
)

// Counts is what one capture holds, all hosts together, in the columns of the
// table of known counts.
type Counts struct {
	Packets       int
	DNSQueries    int // over UDP, port 53
	DNSNames      int // different names in them
	DNSWithDO     int
	DNSForAAAA    int
	ClientHellos  int            // over TCP and QUIC
	ServerHellos  map[string]int // by negotiated version, HelloRetryRequest included
	HTTPRequests  int            // SSDP's included
	Authorization int
	DHCPRequests  int // DISCOVER and REQUEST
	RouterSolicit int
	QUIC          int // conversations; tshark counts Initial packets
	NTPRequests   int
	Malformed     int
	Truncated     string
}

// Count reads a capture from end to end.
func Count(file string) (Counts, error) {
	f, err := os.Open(file)
	if err != nil {
		return Counts{}, fmt.Errorf("cannot open the capture: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	rd, err := evidence.NewReader(f)
	if err != nil {
		return Counts{}, err
	}
	t := tally{counts: Counts{ServerHellos: map[string]int{}}, names: map[string]bool{}}
	d := decode.New(decode.Options{}, t.add)
	for {
		e, err := rd.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Counts{}, err
		}
		d.Add(e)
	}
	d.Close()
	t.counts.Packets = int(rd.Frames())
	t.counts.DNSNames = len(t.names)
	t.counts.Malformed = int(d.Counts().Malformed)
	t.counts.Truncated = rd.Truncated()
	return t.counts, nil
}

// tally adds events up.
type tally struct {
	counts Counts
	names  map[string]bool
}

func (t *tally) add(ev event.Event) {
	c := &t.counts
	switch b := ev.Body.(type) {
	case event.DNSAsked:
		t.addQuestion(ev, b)
	case event.ClientHello:
		c.ClientHellos += one(b.Transport != event.DTLS)
	case event.ServerHello:
		c.ServerHellos[fmt.Sprintf("0x%04x", b.Version)] += one(b.Transport == event.TCP)
	case event.HTTPRequest:
		c.HTTPRequests++
		c.Authorization += one(b.AuthScheme != "")
	case event.DHCP4:
		c.DHCPRequests += one(isDHCPRequest(b))
	case event.RouterSolicited:
		c.RouterSolicit++
	case event.QUICSeen:
		c.QUIC++
	case event.TimeAsked:
		c.NTPRequests += one(b.Mode == 3)
	}
}

func isDHCPRequest(b event.DHCP4) bool { return !b.FromServer && (b.Type == 1 || b.Type == 3) }

func (t *tally) addQuestion(ev event.Event, b event.DNSAsked) {
	if b.Kind != event.DNSUnicast || b.Transport != event.UDP || ev.Server.Port() != 53 {
		return
	}
	t.counts.DNSQueries++
	t.names[b.Name] = true
	t.counts.DNSWithDO += one(b.DO)
	t.counts.DNSForAAAA += one(b.Type == 28)
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Hellos writes the negotiated versions as the table of known counts does, "-"
// when there are none.
func (c Counts) Hellos() string {
	var out []string
	for v, n := range c.ServerHellos {
		if n == 0 {
			continue // only over QUIC
		}
		out = append(out, fmt.Sprintf("%s:%d", v, n))
	}
	if len(out) == 0 {
		return "-"
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}
