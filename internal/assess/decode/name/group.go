package name

import (
	"strings"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

const (
	// announcedLimit is how many names, and how many texts, of one message are
	// reported, and walkLimit how many of its records are looked at.
	announcedLimit = 64
	walkLimit      = 512
	// classMask takes away the top bit, which in mDNS asks for a unicast answer or
	// flushes a cache (RFC 6762 sections 5.4 and 10.2).
	classMask = 0x7fff
)

// groupDatagrams reads mDNS and LLMNR: what a client says is said to everybody,
// what a server says answers the client.
type groupDatagrams struct {
	d dialogue
}

// Packet reads one message.
func (r *groupDatagrams) Packet(c wire.Context, from event.Side, data []byte) bool {
	h, err := readHeader(data)
	if err != nil || h.opcode() != 0 {
		return false
	}
	if from == event.FromServer {
		return r.answer(c, data, h)
	}
	if err := r.speak(c, data, h); err != nil {
		r.d.broken(c, from, 0, err)
		return false
	}
	r.name(c)
	return true
}

// answer reads a unicast answer to what this conversation's client had asked.
func (r *groupDatagrams) answer(c wire.Context, data []byte, h header) bool {
	if !h.isResponse() || r.d.response(c, event.FromServer, 0, data, h) != nil {
		return false
	}
	r.name(c)
	return true
}

func (r *groupDatagrams) name(c wire.Context) {
	if !r.d.named {
		r.d.named = true
		c.Name(r.protocol())
	}
}

func (r *groupDatagrams) protocol() string {
	if r.d.kind == event.LLMNR {
		return "llmnr"
	}
	return "mdns"
}

// speak reports what the client of the conversation asks or tells.
func (r *groupDatagrams) speak(c wire.Context, msg []byte, h header) error {
	qs, at, err := readQuestions(msg, h)
	if err != nil {
		return err
	}
	said := announcement{msg: msg}
	if err := said.walk(at, h); err != nil {
		return err
	}
	if h.isResponse() {
		c.Emit(0, event.Announced{Protocol: r.protocol(), Names: said.names, Texts: said.texts})
		return nil
	}
	e, _, err := findEDNS(msg, at, h.answers+h.authority, h.further)
	if err != nil {
		return err
	}
	r.ask(c, h, qs, e)
	return nil
}

func (r *groupDatagrams) ask(c wire.Context, h header, qs []question, e edns) {
	if len(qs) == 0 {
		return // the rest of a list of known answers, RFC 6762 section 7.2
	}
	names := announcement{}
	for _, q := range qs {
		q.qcls &= classMask
		r.d.ask(c, h.id, q)
		c.Emit(0, r.d.asked(c, h, q, e))
		names.addName(q.name)
	}
	c.Emit(0, event.Announced{Protocol: r.protocol(), Query: true, Names: names.names})
}

// announcement gathers the names and texts of one message.
type announcement struct {
	msg   []byte
	names []string
	texts []string
}

// walk looks at every record after off.
func (a *announcement) walk(off int, h header) error {
	for i := range h.answers + h.authority + h.further {
		r, err := readRecord(a.msg, off)
		if err != nil {
			return err
		}
		off = r.end
		if i >= walkLimit || r.rtype == typeOPT {
			continue
		}
		if err := a.add(r); err != nil {
			return err
		}
	}
	return nil
}

func (a *announcement) add(r record) error {
	owner, _, err := readName(a.msg, r.nameAt)
	if err != nil {
		return err
	}
	a.addName(owner)
	if r.rtype == typeTXT {
		a.addTexts(r.data(a.msg))
		return nil
	}
	if r.rtype != typePTR && r.rtype != typeSRV {
		return nil
	}
	skip, _ := targetAt(r.rtype)
	target, end, err := readName(a.msg, r.dataAt+skip)
	if err != nil || end > r.end {
		return errData
	}
	a.addName(target)
	return nil
}

func (a *announcement) addName(escaped string) {
	name := plainName(escaped)
	if name == "" || len(a.names) >= announcedLimit {
		return
	}
	for _, have := range a.names {
		if have == name {
			return
		}
	}
	a.names = append(a.names, name)
}

// addTexts adds the strings of a TXT record (RFC 6763 section 6.1).
func (a *announcement) addTexts(data []byte) {
	for len(data) > 0 && len(a.texts) < announcedLimit {
		n := min(1+int(data[0]), len(data))
		if n > 1 {
			a.texts = append(a.texts, string(data[1:n]))
		}
		data = data[n:]
	}
}

// plainName undoes the escapes of a name and takes away the last dot: service
// instances are called by free text ("Kitchen Speaker"), which is shown and
// searched as it was meant (RFC 6763 section 4.1.1).
func plainName(escaped string) string {
	var out strings.Builder
	for i := 0; i < len(escaped); i++ {
		b := escaped[i]
		switch {
		case b != '\\' || i+1 >= len(escaped):
		case i+3 < len(escaped) && isDigit(escaped[i+1]):
			b = (escaped[i+1]-'0')*100 + (escaped[i+2]-'0')*10 + escaped[i+3] - '0'
			i += 3
		default:
			i++
			b = escaped[i]
		}
		out.WriteByte(b)
	}
	return strings.TrimSuffix(out.String(), ".")
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }
