package evidence

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Interface describes one capture interface of a log to be written.
type Interface struct {
	Name    string
	Link    LinkType
	SnapLen uint32 // most bytes kept of a frame, 0 for no limit
}

// Writer writes an evidence log as pcapng, little-endian, with nanosecond time
// stamps. It buffers nothing: hand it a bufio.Writer. Its methods return the
// evidence number of what they wrote.
type Writer struct {
	w     io.Writer
	num   Ref
	ifs   int
	notes int // index of the notes interface plus one
	block []byte
}

// NewWriter starts a log with its section header; application is the name and
// version of the writing program.
func NewWriter(w io.Writer, application string) (*Writer, error) {
	wr := &Writer{w: w}
	b := wr.begin(blockSection)
	b = binary.LittleEndian.AppendUint32(b, ngMagic)
	b = binary.LittleEndian.AppendUint16(b, 1) // major version
	b = binary.LittleEndian.AppendUint16(b, 0) // minor version
	b = binary.LittleEndian.AppendUint64(b, ^uint64(0))
	const optionUserAppl = 4
	b = appendOption(b, optionUserAppl, []byte(application))
	return wr, wr.end(appendOption(b, optionEnd, nil))
}

// AddInterface declares a capture interface and returns its index.
func (wr *Writer) AddInterface(i Interface) (int, error) {
	b := wr.begin(blockInterface)
	b = binary.LittleEndian.AppendUint16(b, uint16(i.Link))
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint32(b, i.SnapLen)
	b = appendOption(b, optionIfName, []byte(i.Name))
	b = appendOption(b, optionTSResol, []byte{9})
	b = appendOption(b, optionEnd, nil)
	if err := wr.end(b); err != nil {
		return 0, err
	}
	wr.ifs++
	return wr.ifs - 1, nil
}

// Packet writes one frame of which data was captured and length bytes were on
// the wire.
func (wr *Writer) Packet(iface int, at time.Time, length int, data []byte) (Ref, error) {
	switch {
	case iface < 0 || iface >= wr.ifs:
		return 0, fmt.Errorf("cannot write a frame of interface %d: only %d are declared", iface, wr.ifs)
	case len(data) > frameLimit:
		return 0, fmt.Errorf("cannot write a frame of %d bytes: the limit is %d", len(data), frameLimit)
	}
	ns := uint64(at.UnixNano())
	b := wr.begin(blockPacket)
	b = binary.LittleEndian.AppendUint32(b, uint32(iface))
	b = binary.LittleEndian.AppendUint32(b, uint32(ns>>32))
	b = binary.LittleEndian.AppendUint32(b, uint32(ns))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = binary.LittleEndian.AppendUint32(b, uint32(max(length, len(data))))
	b = pad(append(b, data...))
	if err := wr.end(b); err != nil {
		return 0, err
	}
	wr.num++
	return wr.num, nil
}

// Note writes a note on the notes interface, which it declares at the first one.
func (wr *Writer) Note(at time.Time, n Note) (Ref, error) {
	body, err := json.Marshal(n)
	if err != nil {
		return 0, fmt.Errorf("cannot write note %q: %w", n.Kind, err)
	}
	if wr.notes == 0 {
		index, err := wr.AddInterface(Interface{Name: NotesInterface, Link: LinkEthernet})
		if err != nil {
			return 0, err
		}
		wr.notes = index + 1
	}
	// Both addresses are locally administered, so that no host is meant.
	frame := []byte{2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, NoteEtherType >> 8, NoteEtherType & 0xff}
	frame = append(frame, body...)
	return wr.Packet(wr.notes-1, at, len(frame), frame)
}

// Statistics writes an interface's counters since the log began.
func (wr *Writer) Statistics(iface int, at time.Time, received, dropped uint64) error {
	if iface < 0 || iface >= wr.ifs {
		return fmt.Errorf("cannot write statistics of interface %d: only %d are declared", iface, wr.ifs)
	}
	ns := uint64(at.UnixNano())
	b := wr.begin(blockStats)
	b = binary.LittleEndian.AppendUint32(b, uint32(iface))
	b = binary.LittleEndian.AppendUint32(b, uint32(ns>>32))
	b = binary.LittleEndian.AppendUint32(b, uint32(ns))
	b = appendOption(b, optionISBRecv, binary.LittleEndian.AppendUint64(nil, received))
	b = appendOption(b, optionISBIfDrop, binary.LittleEndian.AppendUint64(nil, dropped))
	return wr.end(appendOption(b, optionEnd, nil))
}

// secretsTLS says that a Decryption Secrets Block holds a TLS key log
// (draft-ietf-opsawg-pcapng).
const secretsTLS = 0x544c534b

// Secrets writes lines of a TLS key log (the SSLKEYLOGFILE format), which let a reader see inside the
// sessions in which the box stood in for a server. They belong before the frames of
// the session: a program that reads the log once has no use for them later.
func (wr *Writer) Secrets(lines []byte) error {
	if len(lines) > frameLimit {
		return fmt.Errorf("cannot write %d bytes of session secrets: the limit is %d", len(lines), frameLimit)
	}
	b := wr.begin(blockSecrets)
	b = binary.LittleEndian.AppendUint32(b, secretsTLS)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(lines)))
	return wr.end(pad(append(b, lines...)))
}

// begin starts a block in the writer's own buffer, leaving room for its length.
func (wr *Writer) begin(kind uint32) []byte {
	b := binary.LittleEndian.AppendUint32(wr.block[:0], kind)
	return binary.LittleEndian.AppendUint32(b, 0)
}

// end fills in the length at both ends and writes the block in one piece.
func (wr *Writer) end(b []byte) error {
	size := uint32(len(b) + 4)
	binary.LittleEndian.PutUint32(b[4:], size)
	wr.block = binary.LittleEndian.AppendUint32(b, size)
	if _, err := wr.w.Write(wr.block); err != nil {
		return fmt.Errorf("cannot write the evidence log after frame %d: %w", wr.num, err)
	}
	return nil
}

func appendOption(b []byte, code uint16, value []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return pad(append(b, value...))
}

func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
