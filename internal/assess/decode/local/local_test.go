package local

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

var update = flag.Bool("update", false, "write the golden files anew")

// talk is one conversation of a test, and the wire.Context of its reader.
type talk struct {
	conn    wire.Conn
	packets []sent
	at      int // packet being read
	log     bytes.Buffer
	bodies  []event.Body
	name    string
}

type sent struct {
	from event.Side
	data []byte
}

func (t *talk) Conn() wire.Conn { return t.conn }
func (t *talk) Now() time.Time  { return time.Unix(int64(t.at), 0) }
func (t *talk) Ref() event.Ref  { return event.Ref(t.at + 1) }
func (t *talk) Name(n string)   { t.name = n }
func (t *talk) Emit(_ int, b event.Body) {
	t.bodies = append(t.bodies, b)
	fmt.Fprintf(&t.log, "%d %s\n", t.at+1, b.Describe())
}

// run plays the conversation the way the decoder does and returns how many
// kinds wanted its first recognised datagram.
func (t *talk) run() (wanted int) {
	var reader wire.Datagram
	for i, p := range t.packets {
		t.at = i
		if reader == nil {
			for _, k := range Datagrams() {
				if k.Recognise(t.conn, p.from, p.data) == wire.Yes {
					wanted++
					if reader == nil {
						reader = k.New()
					}
				}
			}
		}
		if reader != nil && !reader.Packet(t, p.from, p.data) {
			fmt.Fprintf(&t.log, "%d refused\n", i+1)
		}
	}
	return wanted
}

func loadTalk(t testing.TB, path string) *talk {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := &talk{conn: wire.Conn{Flow: 1, Transport: event.UDP}}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "ports":
			out.conn.Group = strings.HasSuffix(rest, " group")
			if _, err := fmt.Sscanf(rest, "%d %d", &out.conn.ClientPort, &out.conn.ServerPort); err != nil {
				t.Fatal(err)
			}
		case ">", "<":
			data, err := hex.DecodeString(rest)
			if err != nil {
				t.Fatal(err)
			}
			from := event.FromClient
			if word == "<" {
				from = event.FromServer
			}
			out.packets = append(out.packets, sent{from, data})
		}
	}
	return out
}

// TestConversations plays real conversations and compares all that is told of
// them; each must be wanted by at most one kind.
func TestConversations(t *testing.T) {
	for _, path := range talks(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			c := loadTalk(t, path)
			if wanted := c.run(); wanted > 1 {
				t.Errorf("%d kinds recognised the same datagram", wanted)
			}
			got := fmt.Sprintf("name %q\n%s", c.name, c.log.String())
			golden := strings.TrimSuffix(path, ".txt") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCutDatagramsAreNotBelieved feeds every proper prefix of every first
// datagram: nothing may panic, and a login or a mapping must not come of it.
func TestCutDatagramsAreNotBelieved(t *testing.T) {
	for _, path := range talks(t) {
		c := loadTalk(t, path)
		for n := range c.packets[0].data {
			cut := &talk{conn: c.conn, packets: []sent{{c.packets[0].from, c.packets[0].data[:n]}}}
			cut.run()
			for _, b := range cut.bodies {
				switch b.(type) {
				case event.SNMPSeen, event.MediaSeen:
					t.Errorf("%s cut to %d bytes: %s", path, n, b.Describe())
				}
			}
		}
	}
}

// TestRepetitionIsBounded plays each conversation a thousand times in one flow.
func TestRepetitionIsBounded(t *testing.T) {
	for _, path := range talks(t) {
		c := loadTalk(t, path)
		once := c.packets
		for range 999 {
			c.packets = append(c.packets, once...)
		}
		c.run()
		if limit := 4*heardLimit + len(once); len(c.bodies) > limit {
			t.Errorf("%s: %d events from repetition", path, len(c.bodies))
		}
	}
}

func talks(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("cannot find the test conversations", err)
	}
	return paths
}
