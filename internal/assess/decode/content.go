package decode

import (
	"bytes"
	"math"

	"assay/internal/assess/event"
)

const (
	// contentLimit is how many bytes of a side are measured.
	contentLimit = 16 << 10
	// contentHead is how many are kept for the reader of a report.
	contentHead = 32
	// measuredLimit bounds the bytes kept for measuring, all conversations
	// together; beyond it less of each is measured.
	measuredLimit = 8 << 20
	// blockSize is what ECB repeats are looked for in: the block of AES.
	blockSize = 16
)

// meter gathers the first bytes of a side. They are measured at once, when they
// are enough or the conversation ends.
type meter struct {
	bytes []byte
	full  bool
}

// measure adds bytes of an unrecognised conversation.
func (d *Decoder) measure(h *half, data []byte) {
	m := &h.meter
	if m.full || len(data) == 0 {
		return
	}
	n := min(len(data), contentLimit-len(m.bytes), max(measuredLimit-d.measured, 0))
	m.bytes = append(m.bytes, data[:n]...)
	d.measured += n
	if n < len(data) || len(m.bytes) == contentLimit {
		d.measured -= m.finish(&h.content)
		m.full = true
	}
}

// finish measures what was gathered, and returns how many bytes it gave back.
func (m *meter) finish(out *event.Content) int {
	n := len(m.bytes)
	if n > 0 {
		*out = contentOf(m.bytes)
		m.bytes = nil
	}
	return n
}

// contentOf measures b.
func contentOf(b []byte) event.Content {
	var histogram [256]uint16 // contentLimit fits
	printable := 0
	for _, v := range b {
		histogram[v]++
		if v >= ' ' && v <= '~' || v == '\n' || v == '\r' || v == '\t' {
			printable++
		}
	}
	c := event.Content{
		Bytes:     len(b),
		Printable: float64(printable) / float64(len(b)),
		Repeats:   repeats(b),
		Media:     mediaOf(b),
		Head:      bytes.Clone(head(b, contentHead)),
	}
	c.Entropy, c.ChiSquare = spread(&histogram, len(b))
	return c
}

// spread is Shannon's entropy in bits per byte and Pearson's chi-square against
// the uniform distribution, both to three decimals: the last bits of a sum of
// logarithms differ from one processor to another, and a report must not.
func spread(histogram *[256]uint16, n int) (entropy, chi float64) {
	var weighted float64 // sum of count * log2(count)
	var squares uint64
	for _, count := range histogram {
		if count < 2 {
			squares += uint64(count)
			continue
		}
		squares += uint64(count) * uint64(count)
		weighted += float64(count) * log2Of(count)
	}
	entropy = log2Of(uint16(n)) - weighted/float64(n)
	chi = 256*float64(squares)/float64(n) - float64(n)
	return thousandths(max(entropy, 0)), thousandths(max(chi, 0))
}

func thousandths(v float64) float64 { return math.Round(v*1000) / 1000 }

// log2Of looks the logarithms of small counts up: short messages have no others.
func log2Of(n uint16) float64 {
	if int(n) < len(smallLog2) {
		return smallLog2[n]
	}
	return math.Log2(float64(n))
}

var smallLog2 = func() (table [128]float64) {
	for i := 2; i < len(table); i++ {
		table[i] = math.Log2(float64(i))
	}
	return table
}()

// repeats counts the aligned blocks that occurred before.
func repeats(b []byte) int {
	if len(b) < 2*blockSize {
		return 0
	}
	if len(b) <= fewBlocks*blockSize {
		return fewRepeats(b)
	}
	seen := make(map[[blockSize]byte]struct{}, len(b)/blockSize)
	blocks := 0
	for ; len(b) >= blockSize; b = b[blockSize:] {
		seen[[blockSize]byte(b)] = struct{}{}
		blocks++
	}
	return blocks - len(seen)
}

// fewBlocks is up to how many blocks comparing each with each is cheaper than a
// table.
const fewBlocks = 24

func fewRepeats(b []byte) int {
	repeated := 0
	for at := blockSize; at+blockSize <= len(b); at += blockSize {
		for before := 0; before < at; before += blockSize {
			if [blockSize]byte(b[before:]) == [blockSize]byte(b[at:]) {
				repeated++
				break
			}
		}
	}
	return repeated
}

// magic is the beginning of a compressed or media format.
type magic struct {
	name  string
	at    int
	bytes string
}

// magics are from the formats' own specifications.
var magics = []magic{
	{"jpeg", 0, "\xff\xd8\xff"},
	{"png", 0, "\x89PNG\r\n\x1a\n"},
	{"gif", 0, "GIF8"},
	{"gzip", 0, "\x1f\x8b\x08"}, // RFC 1952
	{"zip", 0, "PK\x03\x04"},
	{"bzip2", 0, "BZh"},
	{"xz", 0, "\xfd7zXZ\x00"},
	{"zstd", 0, "\x28\xb5\x2f\xfd"}, // RFC 8878
	{"lz4", 0, "\x04\x22\x4d\x18"},
	{"7z", 0, "7z\xbc\xaf\x27\x1c"},
	{"mp4", 4, "ftyp"},
	{"ogg", 0, "OggS"}, // RFC 3533
	{"flac", 0, "fLaC"},
	{"mp3", 0, "ID3"},
	{"riff", 0, "RIFF"},
	{"matroska", 0, "\x1a\x45\xdf\xa3"},
	{"flv", 0, "FLV\x01"},
	{"mpeg", 0, "\x00\x00\x01\xba"},
	{"h264", 0, "\x00\x00\x00\x01\x67"}, // sequence parameter set, Annex B
	{"h264", 0, "\x00\x00\x00\x01\x27"},
	{"h265", 0, "\x00\x00\x00\x01\x40\x01"}, // video parameter set, Annex B
	{"squashfs", 0, "hsqs"},
}

// mediaReach is how far into a stream a header may stand behind a vendor's own
// framing; only the longer magics are looked for there.
const mediaReach = 64

// beginsMagic tells the first bytes of all magics: every unrecognised
// conversation is looked at, and most bytes begin none.
var beginsMagic = func() (table [256]bool) {
	for _, m := range magics {
		table[m.bytes[0]] = true
	}
	return table
}()

func mediaOf(b []byte) string {
	for _, m := range magics {
		if at := tail(b, m.at); bytes.HasPrefix(at, []byte(m.bytes)) {
			return m.name
		}
	}
	if name := mediaNear(head(b, mediaReach)); name != "" {
		return name
	}
	if len(b) > 3*188 && b[0] == 0x47 && b[188] == 0x47 && b[2*188] == 0x47 { // ISO/IEC 13818-1
		return "mpeg-ts"
	}
	return ""
}

// mediaNear looks for the longer magics behind a vendor's own framing.
func mediaNear(near []byte) string {
	for at := range near {
		if !beginsMagic[near[at]] {
			continue
		}
		for _, m := range magics {
			if len(m.bytes) >= 4 && bytes.HasPrefix(near[at:], []byte(m.bytes)) {
				return m.name
			}
		}
	}
	return ""
}
