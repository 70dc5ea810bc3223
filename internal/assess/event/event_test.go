package event

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "camera-1.example", "camera-1.example"},
		{"letters of the world stay", "küche café 厨房", "küche café 厨房"},
		{"terminal escape", "\x1b[31mred", `\x1b[31mred`},
		{"line break", "a\r\nb", `a\x0d\x0ab`},
		{"right-to-left override", "abc\u202Egpj.exe", `abc\u{202e}gpj.exe`},
		{"zero-width space", "pay\u200bpal", `pay\u{200b}pal`},
		{"invalid UTF-8", "a\xffb", `a\xffb`},
		{"a real replacement character stays", "a\uFFFDb", "a\uFFFDb"},
		{"backslash", `a\b`, `a\\b`},
		{"C1 control", "a\u009bb", `a\u{9b}b`},
		{"long", strings.Repeat("x", 300), strings.Repeat("x", 256) + "…[44 more bytes]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Clean(tt.in); got != tt.want {
				t.Errorf("Clean(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

// Whatever comes in, what comes out is printable, valid and bounded.
func TestCleanIsAlwaysHarmless(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := string(rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(rt, "bytes"))
		if rapid.Bool().Draw(rt, "runes") {
			in = rapid.String().Draw(rt, "text")
		}
		out := Clean(in)
		if !utf8.ValidString(out) || utf8.RuneCountInString(out) > 256*8+32 {
			rt.Fatalf("Clean(%q) = %q", in, out)
		}
		for _, r := range out {
			if !unicode.IsPrint(r) {
				rt.Fatalf("Clean(%q) lets %U through", in, r)
			}
		}
	})
}

func TestSecretIsNeverShown(t *testing.T) {
	const text = "hunter2-and-more"
	s := NewSecret(text)
	login := Login{Service: "http", User: "admin", Secret: s}
	shown := []string{
		s.String(), fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s, s), login.Describe(),
		fmt.Sprintf("%v %+v %#v", login, login, login), Event{Body: login}.Body.Describe(),
	}
	for _, out := range shown {
		if strings.Contains(out, "hunter2") {
			t.Errorf("the secret is shown: %s", out)
		}
	}
	if out, err := json.Marshal(login); err == nil {
		t.Errorf("the secret was marshalled: %s", out)
	}
	if !s.Is(text) || s.Is("hunter2") || s.Len() != len(text) || s.Reveal() != text {
		t.Error("the secret cannot be compared")
	}
}

func TestSecretDigestDependsOnSaltAndText(t *testing.T) {
	a := NewSecret("admin").Digest([]byte("log one"))
	if len(a) != 16 || a != NewSecret("admin").Digest([]byte("log one")) {
		t.Errorf("the digest %q is not reproducible", a)
	}
	if a == NewSecret("admin").Digest([]byte("log two")) || a == NewSecret("Admin").Digest([]byte("log one")) {
		t.Error("another salt or secret gives the same digest")
	}
}

func TestHostID(t *testing.T) {
	mac := [6]byte{0x02, 0, 0, 0, 0xab, 0xcd}
	tests := []struct {
		name  string
		id    HostID
		text  string
		group bool
		zero  bool
	}{
		{"by MAC", HostByMAC(mac), "02:00:00:00:ab:cd", false, false},
		{"broadcast", HostByMAC([6]byte{255, 255, 255, 255, 255, 255}), "ff:ff:ff:ff:ff:ff", true, false},
		{"by address", HostByAddr(netip.MustParseAddr("192.0.2.1")), "192.0.2.1", false, false},
		{"multicast address", HostByAddr(netip.MustParseAddr("ff02::fb")), "ff02::fb", true, false},
		{"limited broadcast", HostByAddr(netip.MustParseAddr("255.255.255.255")), "255.255.255.255", true, false},
		{"nobody", HostID{}, "-", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.id.String() != tt.text || tt.id.IsGroup() != tt.group || tt.id.IsZero() != tt.zero {
				t.Errorf("got %s, group %t, zero %t", tt.id, tt.id.IsGroup(), tt.id.IsZero())
			}
		})
	}
	if again := HostByMAC(mac); HostByMAC([6]byte(mac[:])) != again || again == (HostID{}) {
		t.Error("hosts cannot be compared")
	}
}

func TestMaxVersion(t *testing.T) {
	tests := []struct {
		hello ClientHello
		want  uint16
	}{
		{ClientHello{Legacy: 0x0303, Versions: []uint16{0x0304, 0x0303}}, 0x0304},
		{ClientHello{Legacy: 0x0303}, 0x0303},
		{ClientHello{Legacy: 0xfefd}, 0x0303},
		{ClientHello{Legacy: 0xfefd, Versions: []uint16{0xfefc, 0xfefd}}, 0x0304},
		{ClientHello{Legacy: 0x0301}, 0x0301},
	}
	for _, tt := range tests {
		if got := tt.hello.MaxVersion(); got != tt.want {
			t.Errorf("MaxVersion of %+v is 0x%04x, want 0x%04x", tt.hello, got, tt.want)
		}
	}
}
