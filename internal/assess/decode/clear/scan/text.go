package scan

import (
	"strings"
)

const (
	// wordLimit is how much of one word is kept; a signed JSON Web Token's header
	// and claims fit.
	wordLimit = 2048
	// gapLimit is how many separators may stand between a key and its value.
	gapLimit = 8
	// runMin is how many printable bytes in a row make text; shorter runs occur in
	// any binary data.
	runMin = 12
)

// textScan reads printable text word by word. Its state is a function of the
// bytes so far, not of how they were cut into pieces.
type textScan struct {
	word  []byte
	start int // where word began, relative to the present piece
	long  bool
	run   int // printable bytes in a row, up to now

	before   byte // the separator just before the word
	inURL    bool // the word before began with "//" or was a scheme of addresses
	skipLine bool // a line of message identifiers, which look like e-mail addresses

	key    keyClass // a key whose value is awaited
	opened bool     // the key stood after '<'
	gap    []byte   // the separators since the key

	geo geoPair
	pos int // bytes read so far, for distances
}

// wordBytes tells what words are made of: Base64 in both alphabets, host
// and mail names, decimal numbers, percent-encoding.
//
// A table, because it is asked for every byte.
var wordBytes = func() (table [256]bool) {
	for i := range table {
		table[i] = isWordByte(byte(i))
	}
	return table
}()

func isWordByte(b byte) bool {
	return isAlnum(b) || b == '_' || b == '-' || b == '.' || b == '+' || b == '/' || b == '@' || b == '%' || b == '~'
}

// textBytes tells what text is made of, for the same reason.
var textBytes = func() (table [256]bool) {
	for i := range table {
		table[i] = isText(byte(i))
	}
	return table
}()

func isText(b byte) bool {
	return b >= 0x20 && b < 0x7f || b == '\r' || b == '\n' || b == '\t'
}

// passBinary moves past bytes that cannot be text: when no text is under way and
// the piece has no run long enough to be any, only what follows its last
// unprintable byte can matter later.
func (t *textScan) passBinary(piece []byte) []byte {
	if t.run > 0 || len(t.word) > 0 {
		return piece
	}
	last, run := -1, 0
	for i, b := range piece {
		if textBytes[b] {
			if run++; run == runMin {
				return piece
			}
			continue
		}
		last, run = i, 0
	}
	if last < 0 {
		return piece
	}
	t.pos += last + 1
	t.before, t.inURL, t.skipLine, t.key = piece[last], false, false, keyNone
	return piece[last+1:]
}

// feed reads the next piece.
func (t *textScan) feed(finds []Found, piece []byte) []Found {
	piece = t.passBinary(piece)
	for i := 0; i < len(piece); {
		j := i
		for j < len(piece) && wordBytes[piece[j]] {
			j++
		}
		t.grow(piece[i:j], i)
		if j == len(piece) {
			break
		}
		if len(t.word) > 0 {
			finds = t.complete(finds, j+1)
		}
		t.separator(piece[j])
		i = j + 1
	}
	t.start -= len(piece)
	return finds
}

// flush ends the text.
func (t *textScan) flush(finds []Found) []Found {
	if len(t.word) > 0 {
		finds = t.complete(finds, 0)
	}
	*t = textScan{word: t.word[:0], gap: t.gap[:0]}
	return finds
}

func (t *textScan) grow(part []byte, at int) {
	if len(part) == 0 {
		return
	}
	if len(t.word) == 0 {
		t.start = at
	}
	room := wordLimit - len(t.word)
	t.long = t.long || len(part) > room
	t.word = append(t.word, part[:min(len(part), room)]...)
	t.run += len(part)
	t.pos += len(part)
}

func (t *textScan) separator(b byte) {
	t.pos++
	t.before = b
	if b != ':' {
		t.inURL = false
	}
	if b == '\n' {
		t.skipLine = false
	}
	if !isText(b) {
		t.run, t.key, t.skipLine = 0, keyNone, false
		return
	}
	t.run++
	if t.key == keyNone {
		return
	}
	t.gap = append(t.gap, b)
	if len(t.gap) > gapLimit || strings.IndexByte("\"':= \t\\>", b) < 0 {
		t.key = keyNone
	}
}

// complete judges the word that just ended; end is just after the separator.
func (t *textScan) complete(finds []Found, end int) []Found {
	word := t.word
	finds = t.judge(finds, word, end)
	t.inURL = len(word) > 2 && word[0] == '/' && word[1] == '/' || isAddressScheme(word)
	t.word, t.long = word[:0], false
	return finds
}

func (t *textScan) judge(finds []Found, word []byte, end int) []Found {
	key := t.key
	t.key = keyNone
	if t.run >= runMin {
		f, ok := t.free(word)
		if !ok && key != keyNone && t.joins() {
			f, ok = t.value(key, word)
		}
		if ok {
			f.Off, f.end = t.start, end
			finds = append(finds, f)
		}
	}
	if t.key == keyNone {
		t.begin(word)
	}
	return finds
}

// begin starts waiting for a value when word is a key.
func (t *textScan) begin(word []byte) {
	class := classify(word)
	switch class {
	case keyNone:
	case keyMessageID:
		t.skipLine = true
	default:
		t.key, t.opened, t.gap = class, t.before == '<', t.gap[:0]
	}
}

// joins reports whether the separators since the key make the word its value:
// <key>value, or key and value joined by exactly one colon or equals sign.
func (t *textScan) joins() bool {
	if t.opened {
		return string(t.gap) == ">"
	}
	joints := 0
	for _, b := range t.gap {
		switch b {
		case '>':
			return false
		case ':', '=':
			joints++
		}
	}
	return joints == 1
}

func isAddressScheme(word []byte) bool {
	switch string(word) {
	case "sip", "sips", "xmpp", "SIP", "SIPS":
		return true
	}
	return false
}
