//go:build linux

package rpki

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"assay/testbench/lab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// message is one PDU (RFC 8210 section 5.1).
func message(version, kind uint8, session uint16, body ...byte) []byte {
	b := []byte{version, kind}
	b = binary.BigEndian.AppendUint16(b, session)
	b = binary.BigEndian.AppendUint32(b, uint32(8+len(body)))
	return append(b, body...)
}

func prefixPDU(version, flags uint8, prefix string, most uint8, as uint32) []byte {
	p := netip.MustParsePrefix(prefix)
	kind := uint8(pduIPv4Prefix)
	if p.Addr().Is6() {
		kind = pduIPv6Prefix
	}
	body := append([]byte{flags, uint8(p.Bits()), most, 0}, p.Addr().AsSlice()...)
	return message(version, kind, 0, binary.BigEndian.AppendUint32(body, as)...)
}

func endOfData(version uint8, session uint16) []byte {
	if version == 0 {
		return message(0, pduEndOfData, session, 0, 0, 0, 9)
	}
	return message(1, pduEndOfData, session, 0, 0, 0, 9, 0, 0, 14, 16, 0, 0, 2, 88, 0, 0, 28, 32)
}

func errorPDU(version uint8, code uint16, text string) []byte {
	body := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 8, 1, 2, 0, 0, 0, 0, 0, 8}, uint32(len(text)))
	return message(version, pduErrorReport, code, append(body, text...)...)
}

// cache answers each connection with the next of some scripts, once it was asked.
func cache(t *testing.T, queries *[][]byte, scripts ...[]byte) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		if len(scripts) == 0 {
			return nil, errors.New("nobody is there")
		}
		script := scripts[0]
		scripts = scripts[1:]
		ours, theirs := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer theirs.Close()
			query := make([]byte, 8)
			if _, err := io.ReadFull(theirs, query); err != nil {
				return
			}
			*queries = append(*queries, query)
			_, _ = theirs.Write(script)
		}()
		t.Cleanup(func() { <-done })
		return ours, nil
	}
}

func TestLoad(t *testing.T) {
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	good := func(v uint8) []byte {
		return join(message(v, pduSerialNotify, 7, 0, 0, 0, 9), message(v, pduCacheResponse, 7),
			prefixPDU(v, 1, "192.0.2.0/24", 24, 64500), prefixPDU(v, 1, "198.51.100.0/24", 24, 64501),
			prefixPDU(v, 1, "2001:db8::/32", 48, 64500), message(v, pduSerialNotify, 7, 0, 0, 0, 9), endOfData(v, 7))
	}
	key := message(1, pduRouterKey, 256, make([]byte, 20+4+91)...)
	response := message(1, pduCacheResponse, 7)
	for name, c := range map[string]struct {
		scripts [][]byte
		want    string // the VRPs, or a part of the error
	}{
		"version 1":                        {[][]byte{good(1)}, "[192.0.2.0/24-24 AS64500 2001:db8::/32-48 AS64500]"},
		"a cache that knows version 0":     {[][]byte{errorPDU(0, 4, "old"), good(0)}, "[192.0.2.0/24-24 AS64500 2001:db8::/32-48 AS64500]"},
		"router keys are passed over":      {[][]byte{join(response, key, prefixPDU(1, 1, "192.0.2.0/24", 24, 1), endOfData(1, 7))}, "[192.0.2.0/24-24 AS1]"},
		"nobody there":                     {nil, "cannot reach the RTR cache 192.0.2.8:323: nobody is there"},
		"not ready":                        {[][]byte{errorPDU(1, 2, "starting \x1b[31m")}, `error 2 (no data available yet) "starting \x1b[31m"`},
		"an error in the middle":           {[][]byte{join(response, prefixPDU(1, 1, "192.0.2.0/24", 24, 1), errorPDU(1, 1, ""))}, "error 1 (internal error)"},
		"cut off":                          {[][]byte{good(1)[:100]}, "cannot read from the RTR cache"},
		"ends before the end of data":      {[][]byte{join(response, prefixPDU(1, 1, "192.0.2.0/24", 24, 1))}, "cannot read from the RTR cache"},
		"data before the response":         {[][]byte{prefixPDU(1, 1, "192.0.2.0/24", 24, 1)}, "before it responds"},
		"a reset":                          {[][]byte{message(1, pduCacheReset, 0)}, "no data for a full load"},
		"another session at the end":       {[][]byte{join(response, prefixPDU(1, 1, "192.0.2.0/24", 24, 1), endOfData(1, 8))}, "another session"},
		"an answer in another version":     {[][]byte{message(2, pduCacheResponse, 7)}, "version 2 to version 1"},
		"a second response":                {[][]byte{join(response, response)}, "PDU 3 within its data"},
		"a withdrawal":                     {[][]byte{join(response, prefixPDU(1, 0, "192.0.2.0/24", 24, 1))}, "withdraws"},
		"a maximum below the length":       {[][]byte{join(response, prefixPDU(1, 1, "192.0.2.0/24", 23, 1))}, "maximum length 23"},
		"bits beyond the length":           {[][]byte{join(response, prefixPDU(1, 1, "192.0.2.1/24", 24, 1))}, "bits beyond"},
		"a prefix that is too short":       {[][]byte{join(response, message(1, pduIPv4Prefix, 0, 1, 24, 24, 0))}, "a prefix in 12 bytes"},
		"a length of 4":                    {[][]byte{{1, pduCacheResponse, 0, 7, 0, 0, 0, 4}}, "a PDU of 4 bytes"},
		"a length of 4 GB":                 {[][]byte{{1, pduCacheResponse, 0, 7, 255, 255, 255, 255}}, "a PDU of 4294967295 bytes"},
		"nothing but notifications":        {[][]byte{bytes.Repeat(message(1, pduSerialNotify, 7, 0, 0, 0, 9), 20)}, "nothing but notifications"},
		"an empty set":                     {[][]byte{join(response, endOfData(1, 7))}, "has no VRP"},
		"an error report of nothing":       {[][]byte{message(1, pduErrorReport, 3)}, "error 3 (invalid request)"},
		"an error report with a wild size": {[][]byte{message(1, pduErrorReport, 3, 255, 255, 255, 255, 1)}, "error 3 (invalid request)"},
	} {
		t.Run(name, func(t *testing.T) {
			var queries [][]byte
			s := NewVRPs(addrs("192.0.2.1", "2001:db8::1"), testNow)
			err := s.Load(t.Context(), cache(t, &queries, c.scripts...), "192.0.2.8:323")
			got := fmt.Sprint(s.List)
			if err != nil {
				got = err.Error()
			} else if !s.Made.Equal(testNow) {
				t.Errorf("made %s", s.Made)
			}
			if !strings.Contains(got, c.want) || (err == nil) != (c.want[0] == '[') {
				t.Errorf("got %s, want %s", got, c.want)
			}
			for i, q := range queries {
				if !bytes.Equal(q, message(uint8(1-i), pduResetQuery, 0)) {
					t.Errorf("query %d is %x", i, q)
				}
			}
		})
	}
}

// A cache that falls silent does not hold the run up for longer than its context.
func TestLoadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ours, theirs := net.Pipe()
	defer theirs.Close()
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		_, _ = io.ReadFull(theirs, make([]byte, 8))
		cancel()
	}()
	s := NewVRPs(addrs("192.0.2.1"), testNow)
	err := s.Load(ctx, func(context.Context, string, string) (net.Conn, error) { return ours, nil }, "192.0.2.8:323")
	<-asked
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// StayRTR serves the files of testdata; what it says must be what the files say.
func TestLoadFromStayRTR(t *testing.T) {
	lab.NeedProgram(t, "stayrtr")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	_ = l.Close()
	file, err := filepath.Abs(filepath.Join("testdata", "rpki-client.json"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "stayrtr", "-bind", at, "-cache", file, "-checktime=false", "-metrics.addr", "")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	s := NewVRPs(addrs("192.0.2.1", "203.0.113.1", "2001:db8::1"), testNow)
	for tries := 0; ; tries++ {
		*s = *NewVRPs(s.want, testNow)
		err := s.Load(t.Context(), new(net.Dialer).DialContext, at)
		if err == nil {
			break
		}
		if tries > 200 {
			t.Fatal(err)
		}
		<-time.After(25 * time.Millisecond)
	}
	list := map[string]bool{}
	for _, v := range s.List {
		list[v.String()] = true
	}
	for _, want := range []string{"2001:db8::/32-48 AS64500", "192.0.2.0/24-24 AS64500"} {
		if !list[want] {
			t.Errorf("%s is missing in %v", want, s.List)
		}
	}
}

func FuzzRTR(f *testing.F) {
	f.Add(bytes.Join([][]byte{message(1, pduCacheResponse, 7), prefixPDU(1, 1, "192.0.2.0/24", 24, 1),
		prefixPDU(1, 1, "2001:db8::/32", 48, 1), endOfData(1, 7)}, nil))
	f.Add(errorPDU(1, 2, "later"))
	f.Add(message(1, pduRouterKey, 0, 1, 2, 3))
	f.Fuzz(func(t *testing.T, script []byte) {
		s := NewVRPs(addrs("192.0.2.1", "2001:db8::1"), testNow)
		if err := s.receive(bytes.NewReader(script), 1); err == nil && s.Total > 0 {
			checkVRPs(t, s)
		}
	})
}
