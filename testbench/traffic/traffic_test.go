package traffic

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"assay/internal/assess/evidence"
)

// frames reads a capture back.
func frames(t *testing.T, file []byte) [][]byte {
	t.Helper()
	rd, err := evidence.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for {
		e, err := rd.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, bytes.Clone(e.Packet.Data))
	}
	if rd.Truncated() != "" {
		t.Fatal(rd.Truncated())
	}
	return out
}

// sumIsRight says whether an IP frame's own checksums hold.
func sumIsRight(f []byte) bool {
	switch binary.BigEndian.Uint16(f[12:]) {
	case 0x0800:
		ip := f[14:]
		acc := sum(0, ip[12:20]) + uint32(ip[9]) + uint32(len(ip)-20)
		return fold(sum(0, ip[:20])) == 0xffff && fold(sum(acc, ip[20:])) == 0xffff &&
			int(binary.BigEndian.Uint16(ip[2:])) == len(ip)
	case 0x86dd:
		ip := f[14:]
		acc := sum(0, ip[8:40]) + uint32(ip[6]) + uint32(len(ip)-40)
		return fold(sum(acc, ip[40:])) == 0xffff && int(binary.BigEndian.Uint16(ip[4:])) == len(ip)-40
	default:
		return true
	}
}

func TestDevicesMakeSoundFrames(t *testing.T) {
	for _, d := range Devices() {
		t.Run(d.Name, func(t *testing.T) {
			var buf bytes.Buffer
			if err := d.Write(&buf); err != nil {
				t.Fatal(err)
			}
			all := frames(t, buf.Bytes())
			if len(all) < 100 {
				t.Errorf("only %d frames", len(all))
			}
			for i, f := range all {
				if !sumIsRight(f) {
					t.Errorf("frame %d has a wrong checksum or length", i+1)
				}
			}
		})
	}
}

func TestMixHasWhatWasAskedFor(t *testing.T) {
	var buf bytes.Buffer
	n, err := Mix(&buf, 5000, 1)
	if err != nil {
		t.Fatal(err)
	}
	all := frames(t, buf.Bytes())
	if len(all) != n || n < 5000 {
		t.Fatalf("made %d frames, told %d", len(all), n)
	}
	kinds := map[uint16]int{}
	for i, f := range all {
		kinds[binary.BigEndian.Uint16(f[12:])]++
		if !sumIsRight(f) {
			t.Fatalf("frame %d has a wrong checksum or length", i+1)
		}
	}
	if kinds[0x0800] < 1000 || kinds[0x86dd] < 1000 || kinds[0x0806] < 50 {
		t.Errorf("the mix is %v: want much IPv4 and IPv6 and some ARP", kinds)
	}
}
