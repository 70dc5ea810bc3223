package name

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

var update = flag.Bool("update", false, "write the golden files anew")

// exchange is one line of a transcript.
type exchange struct {
	tcp  bool
	from event.Side
	data []byte
}

func readTranscript(t testing.TB, file string) []exchange {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var out []exchange
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		f := strings.Fields(s.Text())
		if len(f) != 3 || f[0] == "#" {
			continue
		}
		data, err := hex.DecodeString(f[2])
		if err != nil {
			t.Fatal(err)
		}
		x := exchange{tcp: f[0] == "tcp", data: data}
		if f[1] == "<" {
			x.from = event.FromServer
		}
		out = append(out, x)
	}
	return out
}

func golden(t *testing.T, file string, lines []string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// What dig really sent, and what it really was answered, over both transports.
func TestDig(t *testing.T) {
	u, s := udp(40000, portDNS), tcp(40000, portDNS)
	reader, stream := newDNS(), newStream()
	var lines []string
	for i, x := range readTranscript(t, "dig.txt") {
		c := u
		if x.tcp {
			c = s
		}
		c.at(event.Ref(i+1), int64(i*10))
		if x.tcp {
			stream.Data(c, x.from, frame(x.data))
		} else if !reader.Packet(c, x.from, x.data) {
			t.Errorf("message %d was not read", i)
		}
		lines = append(lines, c.lines()...)
		c.bodies, c.offs = nil, nil
	}
	golden(t, "dig.golden", lines)
}

func frame(msg []byte) []byte {
	return append([]byte{byte(len(msg) >> 8), byte(len(msg))}, msg...)
}

func bytesOf(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	queryA  = "1234 0100 0001 0000 0000 0000 0161 0162 00 0001 0001" // a.b. A, RD
	answerA = "1234 8180 0001 0001 0000 0000 0161 0162 00 0001 0001 c00c 0001 0001 0000003c 0004 c6336401"
)

func TestBrokenMessages(t *testing.T) {
	cases := []struct{ name, hex, why string }{
		{"question cut in its name", "1234 0100 0001 0000 0000 0000 0361", "name cannot be read"},
		{"question cut after its name", "1234 0100 0001 0000 0000 0000 0161 00 00", "message is shorter than its header says"},
		{"name that points at itself", "1234 0100 0001 0000 0000 0000 c00c 0001 0001", "name cannot be read"},
		{"reserved label kind", "1234 0100 0001 0000 0000 0000 4061 00 0001 0001", "name cannot be read"},
		{"more records than bytes", "1234 0100 0001 0000 0000 ffff 0161 00 0001 0001", "name cannot be read"},
		{"EDNS record that ends early", "1234 0100 0001 0000 0000 0001 0161 00 0001 0001 00 0029 1000 00008000 0004 000a", "record is longer than its message"},
		{"EDNS option that ends early", "1234 0100 0001 0000 0000 0001 0161 00 0001 0001 00 0029 1000 00008000 0004 000a0004", "EDNS options cannot be read"},
		{"EDNS record with an owner", "1234 0100 0001 0000 0000 0001 0161 00 0001 0001 016100 0029 1000 00008000 0000", "EDNS options cannot be read"},
		{"two EDNS records", "1234 0100 0001 0000 0000 0002 0161 00 0001 0001 00 0029 1000 00008000 0000 00 0029 1000 00000000 0000", "EDNS options cannot be read"},
		{"too many questions", "1234 0100 ffff 0000 0000 0000 0161 00 0001 0001", "message is shorter than its header says"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := udp(40000, portDNS)
			if newDNS().Packet(c, event.FromClient, bytesOf(t, tc.hex)) {
				t.Error("was taken for DNS")
			}
			want := []event.Body{event.Malformed{Layer: "dns", Why: tc.why}}
			if diff := cmp.Diff(want, c.bodies); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A broken answer is no event about the device, and no broken message is
// reported without end.
func TestFaultsAreBounded(t *testing.T) {
	c, r := udp(40000, portDNS), newDNS()
	broken := bytesOf(t, "1234 0100 0001 0000 0000 0000 0361")
	for range 100 {
		r.Packet(c, event.FromClient, broken)
		r.Packet(c, event.FromServer, bytesOf(t, "1234 8180 0001 0001 0000 0000 0361"))
	}
	if len(c.bodies) != faultLimit {
		t.Errorf("%d reports, want %d", len(c.bodies), faultLimit)
	}
}

// An answer belongs to the question with its ID, name and type, for a while.
func TestMatching(t *testing.T) {
	cases := []struct {
		name   string
		answer string
		after  int64
		want   event.Ref
	}{
		{"the answer", answerA, 20, 7},
		{"no question repeated", "1234 8180 0000 0001 0000 0000 0161 00 0001 0001 0000003c 0004 c6336401", 20, 7},
		{"other ID", strings.Replace(answerA, "1234", "1235", 1), 20, 0},
		{"other name", strings.Replace(answerA, "0161", "0162", 1), 20, 0},
		{"other type", strings.Replace(answerA, "00 0001", "00 001c", 1), 20, 0},
		{"too late", answerA, matchFor.Milliseconds() + 1, 0},
		{"time went backwards", answerA, -5, 0},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c, r := udp(40000, portDNS), newDNS()
			c.at(7, 0)
			r.Packet(c, event.FromClient, bytesOf(t, queryA))
			c.at(8, tc.after)
			r.Packet(c, event.FromServer, bytesOf(t, tc.answer))
			got := c.bodies[1].(event.DNSAnswered)
			if got.Question != tc.want {
				t.Errorf("question is frame %d, want %d", got.Question, tc.want)
			}
			if tc.want != 0 && (got.Name != "a.b." || got.After.Milliseconds() != tc.after) {
				t.Errorf("got %q after %s", got.Name, got.After)
			}
		})
	}
}

func TestOutstandingIsBounded(t *testing.T) {
	c, r := udp(40000, portDNS), newDNS()
	q := bytesOf(t, queryA)
	for i := range 1000 {
		q[0], q[1] = byte(i>>8), byte(i)
		c.at(event.Ref(i+1), 0)
		r.Packet(c, event.FromClient, q)
	}
	if n := len(r.(*dnsDatagrams).d.waiting); n != outstanding {
		t.Errorf("%d questions are kept, want %d", n, outstanding)
	}
	for _, tc := range []struct {
		id   int
		want event.Ref
	}{{999, 1000}, {1000 - outstanding, 1001 - outstanding}, {999 - outstanding, 0}} {
		a := bytesOf(t, answerA)
		a[0], a[1] = byte(tc.id>>8), byte(tc.id)
		r.Packet(c, event.FromServer, a)
		if got := c.bodies[len(c.bodies)-1].(event.DNSAnswered).Question; got != tc.want {
			t.Errorf("ID %d matches frame %d, want %d", tc.id, got, tc.want)
		}
	}
}

// What comes from the wrong side would be told about the wrong host.
func TestWrongSideIsSilent(t *testing.T) {
	c, r := udp(40000, portDNS), newDNS()
	if !r.Packet(c, event.FromServer, bytesOf(t, queryA)) || !r.Packet(c, event.FromClient, bytesOf(t, answerA)) {
		t.Error("was not taken for DNS")
	}
	if len(c.bodies) != 0 {
		t.Errorf("reported %v", c.bodies)
	}
}

func TestSeveralQuestions(t *testing.T) {
	c := udp(40000, portDNS)
	newDNS().Packet(c, event.FromClient, bytesOf(t, "1234 0100 0002 0000 0000 0000 0161 00 0001 0001 0162 00 001c 0001"))
	var names []string
	for _, b := range c.bodies {
		names = append(names, b.(event.DNSAsked).Name)
	}
	if diff := cmp.Diff([]string{"a.", "b."}, names); diff != "" {
		t.Error(diff)
	}
}

// An answer that was cut short (TC) may lack its last sections.
func TestTruncatedAnswer(t *testing.T) {
	c := udp(40000, portDNS)
	newDNS().Packet(c, event.FromServer, bytesOf(t, "1234 8380 0001 0000 0000 0001 0161 00 0001 0001"))
	if len(c.bodies) != 1 || !c.bodies[0].(event.DNSAnswered).TC {
		t.Errorf("reported %v", c.bodies)
	}
}

func TestStreamAfterGap(t *testing.T) {
	c, s := tcp(40000, portDNS), newStream()
	s.Gap(c, event.FromServer, 10)
	if got := s.Data(c, event.FromServer, frame(bytesOf(t, answerA))); got.Next != wire.SideDone {
		t.Errorf("after a gap: %+v", got)
	}
	s.Data(c, event.FromClient, frame(bytesOf(t, queryA)))
	if len(c.bodies) != 1 {
		t.Errorf("the other side reported %v", c.bodies)
	}
}

// TestWaitingQuestionsAreSmall: a flood of questions must not cost their names.
func TestWaitingQuestionsAreSmall(t *testing.T) {
	if size := unsafe.Sizeof(asked{}) * outstanding; size > 1<<10 {
		t.Errorf("the questions of one conversation take %d bytes", size)
	}
}
