package evidence

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// logOf writes a small log with one frame per string.
func logOf(t testing.TB, frames ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	wr, err := NewWriter(&buf, "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = wr.AddInterface(Interface{Name: "lan", Link: LinkEthernet}); err != nil {
		t.Fatal(err)
	}
	for i, f := range frames {
		if _, err = wr.Packet(0, time.Unix(int64(i), 0), len(f), []byte(f)); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

// ngBlock writes one pcapng block by hand.
func ngBlock(order binary.AppendByteOrder, kind uint32, body []byte) []byte {
	body = pad(bytes.Clone(body))
	b := order.AppendUint32(nil, kind)
	b = order.AppendUint32(b, uint32(len(body)+12))
	b = append(b, body...)
	return order.AppendUint32(b, uint32(len(body)+12))
}

func ngSection(order binary.AppendByteOrder) []byte {
	b := order.AppendUint32(nil, ngMagic)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, 0)
	return ngBlock(order, blockSection, order.AppendUint64(b, ^uint64(0)))
}

type ngOption struct {
	code  uint16
	value []byte
}

func ngIface(order binary.AppendByteOrder, link uint16, options ...ngOption) []byte {
	b := order.AppendUint16(nil, link)
	b = order.AppendUint16(b, 0)
	b = order.AppendUint32(b, 0)
	for _, o := range options {
		b = order.AppendUint16(b, o.code)
		b = order.AppendUint16(b, uint16(len(o.value)))
		b = pad(append(b, o.value...))
	}
	return ngBlock(order, blockInterface, b)
}

func ngFrame(order binary.AppendByteOrder, iface uint32, units uint64, data string, options ...byte) []byte {
	b := order.AppendUint32(nil, iface)
	b = order.AppendUint32(b, uint32(units>>32))
	b = order.AppendUint32(b, uint32(units))
	b = order.AppendUint32(b, uint32(len(data)))
	b = order.AppendUint32(b, uint32(len(data)))
	return ngBlock(order, blockPacket, append(pad(append(b, data...)), options...))
}

func TestTimeResolutions(t *testing.T) {
	order := binary.BigEndian
	offset := order.AppendUint64(nil, 1000)
	tests := []struct {
		name    string
		options []ngOption
		units   uint64
		want    time.Time
	}{
		{"default is microseconds", nil, 3_000_001, time.Unix(3, 1000)},
		{"nanoseconds", []ngOption{{optionTSResol, []byte{9}}}, 3_000_000_001, time.Unix(3, 1)},
		{"seconds", []ngOption{{optionTSResol, []byte{0}}}, 3, time.Unix(3, 0)},
		{"picoseconds", []ngOption{{optionTSResol, []byte{12}}}, 3_000_000_001_000, time.Unix(3, 1)},
		{"two to the minus ten", []ngOption{{optionTSResol, []byte{0x8a}}}, 3*1024 + 512, time.Unix(3, 500_000_000)},
		{"offset of 1000 s", []ngOption{{optionTSOffset, offset}}, 3_000_001, time.Unix(1003, 1000)},
		{"impossible power of ten", []ngOption{{optionTSResol, []byte{77}}}, 5, time.Unix(0, 0)},
		{"impossible power of two", []ngOption{{optionTSResol, []byte{0xff}}}, 5, time.Unix(0, 0)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := slices.Concat(ngSection(order), ngIface(order, 1, tt.options...), ngFrame(order, 0, tt.units, "abc"))
			entries, _ := readAll(t, file)
			if len(entries) != 1 || !entries[0].At.Equal(tt.want) {
				t.Errorf("got %+v, want time %v", entries, tt.want)
			}
		})
	}
}

func TestSectionsAndInterfaces(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	simple := le.AppendUint32(nil, 3)
	file := slices.Concat(
		ngSection(le), ngIface(le, 1), ngIface(le, 101), ngBlock(le, 0x0bad, []byte("unknown")),
		ngFrame(le, 0, 7_000_000, "one"), ngFrame(le, 1, 8_000_000, "two"),
		ngBlock(le, blockSimple, append(simple, "six"...)),
		ngSection(be), ngIface(be, 228), ngFrame(be, 0, 9_000_000, "three"))
	entries, rd := readAll(t, file)
	if rd.Truncated() != "" || rd.Format() != "pcapng" {
		t.Errorf("truncated %q, format %q", rd.Truncated(), rd.Format())
	}
	want := []struct {
		data string
		link LinkType
		sec  int64
	}{{"one", LinkEthernet, 7}, {"two", LinkRaw, 8}, {"six", LinkEthernet, 8}, {"three", LinkIPv4, 9}}
	if len(entries) != len(want) {
		t.Fatalf("got %d entries", len(entries))
	}
	for i, w := range want {
		e := entries[i]
		if e.Num != Ref(i+1) || string(e.Packet.Data) != w.data || e.Packet.Link != w.link || e.At.Unix() != w.sec {
			t.Errorf("entry %d is %+v, want %+v", i, e, w)
		}
	}
}

func TestDamagedPacketBlocks(t *testing.T) {
	order := binary.LittleEndian
	head := slices.Concat(ngSection(order), ngIface(order, 1), ngFrame(order, 0, 0, "good"))
	tests := map[string][]byte{
		"interface that was not declared": ngFrame(order, 9, 0, "bad"),
		"packet block without a header":   ngBlock(order, blockPacket, []byte("short")),
		"captured length past the block":  bytes.Replace(ngFrame(order, 0, 0, "bad"), order.AppendUint32(nil, 3), order.AppendUint32(nil, 999), 1),
		"simple block without a length":   ngBlock(order, blockSimple, nil),
	}
	for name, block := range tests {
		t.Run(name, func(t *testing.T) {
			entries, rd := readAll(t, append(bytes.Clone(head), block...))
			if len(entries) != 1 || rd.Truncated() == "" {
				t.Errorf("got %d entries, truncated %q", len(entries), rd.Truncated())
			}
		})
	}
}

func TestLosses(t *testing.T) {
	order := binary.LittleEndian
	stats := func(dropped uint64) []byte {
		b := append(order.AppendUint32(nil, 0), make([]byte, 8)...)
		b = appendOption(b, optionISBRecv, order.AppendUint64(nil, 100))
		b = appendOption(b, optionISBIfDrop, order.AppendUint64(nil, dropped))
		b = appendOption(b, optionISBOSDrop, order.AppendUint64(nil, 2))
		return ngBlock(order, blockStats, b)
	}
	dropCount := appendOption(nil, optionEPBDrops, order.AppendUint64(nil, 4))
	file := slices.Concat(ngSection(order), ngIface(order, 1),
		ngFrame(order, 0, 0, "one", dropCount...), stats(5), stats(5), stats(9))
	var got []uint64
	entries, _ := readAll(t, file)
	for _, e := range entries {
		if e.Kind == KindLost {
			got = append(got, e.Lost.Dropped)
			if e.Num != 1 {
				t.Errorf("a loss has number %d, want that of the frame before it", e.Num)
			}
		}
	}
	if want := []uint64{4, 7, 4}; !slices.Equal(got, want) {
		t.Errorf("got losses %v, want %v: counts are since the report before", got, want)
	}
}

// must ends the test when writing failed.
func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestNotesAreBelievedOnlyFromTheirInterface(t *testing.T) {
	var buf bytes.Buffer
	w, err := NewWriter(&buf, "test")
	wr := must(t, w, err)
	lan, err := wr.AddInterface(Interface{Name: "lan", Link: LinkEthernet})
	must(t, lan, err)
	num, err := wr.Note(time.Unix(1, 0), Note{Kind: "fault", Body: json.RawMessage(`{"arm":"X1"}`)})
	must(t, num, err)
	forged := append(make([]byte, 12), 0x88, 0xb5)
	forged = append(forged, `{"kind":"fault"}`...)
	num, err = wr.Packet(lan, time.Unix(2, 0), len(forged), forged)
	if must(t, num, err) != 2 {
		t.Errorf("the second frame has number %d", num)
	}
	must(t, 0, wr.Statistics(lan, time.Unix(3, 0), 10, 3))
	entries, _ := readAll(t, buf.Bytes())
	if len(entries) != 3 {
		t.Fatalf("got %d entries", len(entries))
	}
	checkNote(t, entries[0])
	if e := entries[1]; e.Kind != KindPacket {
		t.Errorf("a device's frame with the note EtherType was believed: %+v", e)
	}
	if e := entries[2]; e.Kind != KindLost || e.Lost.Dropped != 3 {
		t.Errorf("the loss came back as %+v", e)
	}
}

func checkNote(t *testing.T, e Entry) {
	t.Helper()
	if e.Kind != KindNote || e.Note.Kind != "fault" || string(e.Note.Body) != `{"arm":"X1"}` {
		t.Errorf("the note came back as %+v", e)
	}
}

func TestUnreadableNoteIsNoPacket(t *testing.T) {
	order := binary.LittleEndian
	file := slices.Concat(ngSection(order), ngIface(order, 1, ngOption{optionIfName, []byte(NotesInterface)}),
		ngFrame(order, 0, 0, "not a note"))
	entries, _ := readAll(t, file)
	if len(entries) != 1 || entries[0].Kind != KindNote || entries[0].Note.Kind != "unreadable" {
		t.Errorf("got %+v", entries)
	}
}

func TestWriterRefuses(t *testing.T) {
	wr, err := NewWriter(&bytes.Buffer{}, "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = wr.Packet(0, time.Time{}, 1, []byte("a")); err == nil {
		t.Error("a frame of an interface that was not declared was written")
	}
	if _, err = wr.AddInterface(Interface{Name: "lan", Link: LinkEthernet}); err != nil {
		t.Fatal(err)
	}
	if _, err = wr.Packet(0, time.Time{}, 0, make([]byte, frameLimit+1)); err == nil {
		t.Error("a frame that no reader would believe was written")
	}
	if err = wr.Statistics(4, time.Time{}, 0, 0); err == nil {
		t.Error("statistics of an interface that was not declared were written")
	}
}

// TestSecretsAreNoEntries: a log with the secrets of forged sessions has the same
// entries as one without them.
func TestSecretsAreNoEntries(t *testing.T) {
	var log bytes.Buffer
	w, err := NewWriter(&log, "test")
	wr := must(t, w, err)
	i, err := wr.AddInterface(Interface{Name: "lan", Link: LinkEthernet})
	must(t, i, err)
	for _, lines := range []string{"CLIENT_RANDOM 00 11\n", "", "SERVER_TRAFFIC_SECRET_0 00 1122\nX"} {
		if err := wr.Secrets([]byte(lines)); err != nil {
			t.Fatal(err)
		}
		ref, err := wr.Packet(0, time.Unix(1, 0), 4, []byte("abcd"))
		must(t, ref, err)
	}
	if got, rd := readAll(t, log.Bytes()); len(got) != 3 || rd.Truncated() != "" || got[2].Num != 3 {
		t.Errorf("%d entries, truncated %q", len(got), rd.Truncated())
	}
	if err := wr.Secrets(make([]byte, frameLimit+1)); err == nil {
		t.Error("secrets that no reader would take were written")
	}
}

// What is written comes back: the same frames, times, lengths and numbers.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ifs := rapid.IntRange(1, 4).Draw(rt, "interfaces")
		want := rapid.SliceOfN(drawEntry(ifs), 0, 20).Draw(rt, "frames")
		got, rd := readAll(t, writeAll(t, ifs, want))
		if rd.Truncated() != "" || len(got) != len(want) {
			rt.Fatalf("got %d entries, truncated %q", len(got), rd.Truncated())
		}
		for i := range want {
			want[i].Num = Ref(i + 1)
			if diff := cmp.Diff(want[i], got[i], cmpopts.EquateEmpty()); diff != "" {
				rt.Fatalf("entry %d differs:\n%s", i, diff)
			}
		}
	})
}

// drawEntry makes a packet of one of so many interfaces.
func drawEntry(interfaces int) *rapid.Generator[Entry] {
	return rapid.Custom(func(rt *rapid.T) Entry {
		data := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(rt, "data")
		return Entry{
			At:   time.Unix(0, rapid.Int64Range(0, 1<<62).Draw(rt, "time")).UTC(),
			Kind: KindPacket,
			Packet: Packet{
				Interface: rapid.IntRange(0, interfaces-1).Draw(rt, "interface"),
				Link:      LinkEthernet,
				Length:    len(data) + rapid.IntRange(0, 9).Draw(rt, "cut"),
				Data:      data,
			},
		}
	})
}

func writeAll(t *testing.T, interfaces int, entries []Entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := NewWriter(&buf, "test")
	wr := must(t, w, err)
	for range interfaces {
		i, err := wr.AddInterface(Interface{Name: "i", Link: LinkEthernet})
		must(t, i, err)
	}
	for _, e := range entries {
		num, err := wr.Packet(e.Packet.Interface, e.At, e.Packet.Length, e.Packet.Data)
		must(t, num, err)
	}
	return buf.Bytes()
}
