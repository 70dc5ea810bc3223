package wire

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

func packed(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestParseReadsWhatALibraryWrites, for any name, type and EDNS setting.
func TestParseReadsWhatALibraryWrites(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := new(dns.Msg)
		m.SetQuestion(dns.Fqdn(rapid.StringMatching(`([a-zA-Z0-9_-]{1,20}\.){0,8}`).Draw(rt, "name")), rapid.Uint16().Draw(rt, "type"))
		m.Id, m.Question[0].Qclass = rapid.Uint16().Draw(rt, "id"), rapid.Uint16().Draw(rt, "class")
		m.AuthenticatedData, m.CheckingDisabled, m.RecursionDesired = rapid.Bool().Draw(rt, "ad"), rapid.Bool().Draw(rt, "cd"), rapid.Bool().Draw(rt, "rd")
		edns, do, size := rapid.Bool().Draw(rt, "edns"), rapid.Bool().Draw(rt, "do"), rapid.Uint16().Draw(rt, "size")
		if edns {
			m.SetEdns0(size, do)
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"}}
		}
		b := packed(t, m)
		q, problem := Parse(b)
		want := Query{
			Name: q.Name, End: q.End, Flags: q.Flags, ID: m.Id, Type: m.Question[0].Qtype, Class: m.Question[0].Qclass,
			EDNS: edns, DO: edns && do, Size: size,
		}
		if !edns {
			want.Size = 0
		}
		if diff := cmp.Diff(want, q); diff != "" || problem != OK {
			rt.Fatalf("problem %d of %v\n%s", problem, m, diff)
		}
		if bits := [3]bool{q.AD(), q.CD(), q.RD()}; bits != [3]bool{m.AuthenticatedData, m.CheckingDisabled, m.RecursionDesired} {
			rt.Fatalf("bits %v of %v", bits, m)
		}
		name, _, err := dns.UnpackDomainName(q.Name, 0)
		if err != nil || name != m.Question[0].Name {
			rt.Fatalf("name %q (%v), want %q", name, err, m.Question[0].Name)
		}
	})
}

func TestParseProblems(t *testing.T) {
	head := func(flags, counts string) string { return "\x12\x34" + flags + counts }
	const one = "\x00\x01\x00\x00\x00\x00\x00\x00"
	const oneExtra = "\x00\x01\x00\x00\x00\x00\x00\x01"
	const root = "\x00\x00\x01\x00\x01"
	long := string(bytes.Repeat([]byte("\x3fabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"), 4))
	for what, tc := range map[string]struct {
		packet string
		want   Problem
	}{
		"the root":               {head("\x01\x00", one) + root, OK},
		"nothing":                {"", Silent},
		"a short header":         {"\x12\x34\x01\x00\x00\x01", Silent},
		"a response":             {head("\x81\x00", one) + root, Silent},
		"a notify":               {head("\x21\x00", one) + root, NotImp},
		"trailing bytes":         {head("\x01\x00", one) + root + "x", FormErr},
		"no question":            {head("\x01\x00", one), FormErr},
		"a compressed name":      {head("\x01\x00", one) + "\xc0\x0c\x00\x01\x00\x01", FormErr},
		"a label of type 01":     {head("\x01\x00", one) + "\x41a\x00\x00\x01\x00\x01", FormErr},
		"a name of 257 bytes":    {head("\x01\x00", one) + long + root, FormErr},
		"a name without end":     {head("\x01\x00", one) + "\x05ab", FormErr},
		"OPT cut short":          {head("\x01\x00", oneExtra) + root + "\x00\x00\x29\x04\xd0", FormErr},
		"OPT":                    {head("\x01\x00", oneExtra) + root + "\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00", OK},
		"OPT with a broken code": {head("\x01\x00", oneExtra) + root + "\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x03\x00\x0a\x00", FormErr},
		"OPT of another name":    {head("\x01\x00", oneExtra) + root + "\x01a\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00", FormErr},
		"too many records":       {head("\x01\x00", "\x00\x01\x00\x00\x00\x00\x00\x09") + root, FormErr},
	} {
		if _, got := Parse([]byte(tc.packet)); got != tc.want {
			t.Errorf("%s: problem %d, want %d", what, got, tc.want)
		}
	}
}

func TestKeysIgnoreCaseAlone(t *testing.T) {
	a := AppendKey(nil, []byte("\x03wWw\x07eXAMPLE\x00"), 1, 1)
	if !bytes.Equal(a, AppendKey(nil, []byte("\x03www\x07example\x00"), 1, 1)) {
		t.Error("letter case tells keys apart")
	}
	for _, other := range [][]byte{AppendKey(nil, []byte("\x03www\x07example\x00"), 28, 1), AppendKey(nil, []byte("\x03ww[\x07example\x00"), 1, 1), AppendKey(nil, []byte("\x03www\x07example\x00"), 1, 3)} {
		if bytes.Equal(a, other) {
			t.Errorf("%q is the key of two questions", other)
		}
	}
}

func TestOPTIsWhatALibraryReads(t *testing.T) {
	for _, ede := range []EDE{{}, {Has: true}, {Has: true, Code: 6, Text: "no good"}} {
		m := new(dns.Msg)
		m.SetQuestion("a.", dns.TypeA)
		b := packed(t, m)
		b[11] = 1
		n := len(b)
		b = AppendOPT(b, 1232, 1, true, ede)
		if len(b)-n != SizeOPT(ede) {
			t.Errorf("%+v: %d bytes, announced %d", ede, len(b)-n, SizeOPT(ede))
		}
		if err := m.Unpack(b); err != nil || !m.IsEdns0().Do() || m.IsEdns0().UDPSize() != 1232 || m.Rcode != 16 {
			t.Fatalf("%+v: %v, %v", ede, err, m)
		}
		var want []dns.EDNS0
		if ede.Has {
			want = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: ede.Code, ExtraText: ede.Text}}
		}
		if diff := cmp.Diff(want, m.IsEdns0().Option, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%+v:\n%s", ede, diff)
		}
	}
}

func FuzzParse(f *testing.F) {
	m := new(dns.Msg)
	m.SetQuestion("www.example.com.", dns.TypeA)
	m.SetEdns0(1232, true)
	f.Add(packed(f, m))
	f.Add([]byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		q, problem := Parse(b)
		if problem == OK {
			if q.End > len(b) || len(q.Name) == 0 || len(q.Name) > maxName || len(AppendKey(nil, q.Name, q.Type, q.Class)) != len(q.Name)+4 {
				t.Fatalf("%+v", q)
			}
			if _, _, err := dns.UnpackDomainName(b, headerSize); err != nil {
				t.Fatalf("a name that a library refuses: %v", err)
			}
		}
	})
}

func FuzzTTLs(f *testing.F) {
	m := new(dns.Msg)
	m.SetQuestion("www.example.com.", dns.TypeA)
	m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "www.example.com.", Rrtype: 1, Class: 1, Ttl: 5}, A: []byte{192, 0, 2, 1}}}
	m.Compress = true
	f.Add(packed(f, m))
	f.Fuzz(func(t *testing.T, b []byte) {
		at, ok := TTLs(b)
		for _, i := range at {
			if int(i)+4 > len(b) {
				t.Fatalf("TTL at %d of %d (%v)", i, len(b), ok)
			}
		}
	})
}
