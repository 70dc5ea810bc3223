package clear

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/internal/assess/event"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

// conversation is one example; its events are in testdata/<name>.golden.
type conversation struct {
	name    string
	port    uint16
	secrets []string // what must not be shown anywhere
	turns   []turn
}

func conversations() []conversation {
	return slices.Concat(httpConversations(), textConversations(), mailConversations(), binaryConversations(), realConversations())
}

func TestConversations(t *testing.T) {
	for _, c := range conversations() {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(play(t, c.port, c.turns...).said(), "\n") + "\n"
			file := filepath.Join("testdata", c.name+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSegmentationDoesNotMatter(t *testing.T) {
	for _, c := range conversations() {
		t.Run(c.name, func(t *testing.T) {
			want := play(t, c.port, c.turns...).said()
			rapid.Check(t, func(rt *rapid.T) {
				got := playCut(rt, t, c.port, c.turns).said()
				if diff := cmp.Diff(want, got); diff != "" {
					rt.Fatal(diff)
				}
			})
		})
	}
}

// joined runs the conversation byte by byte.
func TestByteByByte(t *testing.T) {
	for _, c := range conversations() {
		k := newCore(t, c.port)
		for _, tu := range c.turns {
			for i := range len(tu.text) {
				k.feed(tu.from, []byte{tu.text[i]})
			}
		}
		k.close()
		if diff := cmp.Diff(play(t, c.port, c.turns...).said(), k.said()); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestNoSecretIsShown(t *testing.T) {
	for _, c := range conversations() {
		k := play(t, c.port, c.turns...)
		secrets := slices.Clone(c.secrets)
		for _, b := range k.events {
			if l, ok := b.(event.Login); ok && l.Secret.Len() > 3 {
				secrets = append(secrets, l.Secret.Reveal())
			}
		}
		for _, b := range k.events {
			text := b.Describe() + fmt.Sprintf("%v %+v %#v %s", b, b, b, b)
			for _, secret := range secrets {
				if strings.Contains(text, secret) {
					t.Errorf("%s: %q is shown in %s", c.name, secret, text)
				}
			}
		}
	}
}

// TestGapsAreSurvived drops each piece in turn: nothing may panic, and what is
// reported must be among what the whole conversation reports or describe less.
func TestGapsAreSurvived(t *testing.T) {
	for _, c := range conversations() {
		whole := strings.Join(play(t, c.port, c.turns...).said(), "\n")
		for lost := range c.turns {
			said := strings.Join(playWithout(t, c, lost).said(), "\n")
			if strings.Contains(said, "\nlogin ") && !strings.Contains(whole, "\nlogin ") {
				t.Errorf("%s without turn %d: logins out of nothing: %s", c.name, lost, said)
			}
		}
	}
}

// playWithout runs a conversation of which the log lacks one turn.
func playWithout(t testing.TB, c conversation, lost int) *core {
	k := newCore(t, c.port)
	for i, tu := range c.turns {
		if i != lost {
			k.feed(tu.from, []byte(tu.text))
		} else if k.stream != nil && !k.done && !k.off[tu.from] {
			k.bufs[tu.from], k.offer = nil, 0
			k.stream.Gap(k, tu.from, len(tu.text))
		}
	}
	k.close()
	return k
}

func packed(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write([]byte(text))
	w.Close()
	return out.String()
}

func response(status, fields, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, fields, len(body), body)
}

func post(path, fields, ctype, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: cam.local\r\n%sContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, fields, ctype, len(body), body)
}
