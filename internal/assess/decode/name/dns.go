package name

import (
	"time"

	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

const (
	// outstanding is how many questions of one conversation wait for an answer.
	outstanding = 32
	// matchFor is how long after its question an answer is taken for its answer.
	matchFor = 30 * time.Second
	// questionLimit is how many questions of one message are read. RFC 9619 allows
	// one; multicast DNS asks several.
	questionLimit = 16
	// faultLimit is how many broken messages of one conversation are reported.
	faultLimit = 4
)

// asked is a question that may still be answered. Its name is kept as a sum only:
// a flood of long names in many conversations would cost a gigabyte.
type asked struct {
	sum uint64
	at  int64 // nanoseconds since 1970
	by  event.Ref
	id  uint16
}

// sumOf is short for a question. Who forges an equal one gains nothing: the answer
// is reported by its own name anyway.
func sumOf(q question) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a of 64 bits
	h := uint64(offset)
	for _, b := range [...]byte{byte(q.qtype >> 8), byte(q.qtype), byte(q.qcls >> 8), byte(q.qcls)} {
		h = (h ^ uint64(b)) * prime
	}
	for i := range len(q.name) {
		h = (h ^ uint64(q.name[i])) * prime
	}
	return h
}

// dialogue is what is kept of one DNS conversation, over UDP or TCP.
type dialogue struct {
	kind event.DNSKind
	// waiting grows to outstanding and is a ring from then on, next its oldest
	// entry: most conversations hold one question.
	waiting []asked
	next    int
	// last is the latest question: an answer may leave it out.
	last   question
	named  bool
	faults int
}

type dnsDatagrams struct{ d dialogue }

func newDNS() wire.Datagram { return &dnsDatagrams{} }

func newLLMNR() wire.Datagram { return &groupDatagrams{d: dialogue{kind: event.LLMNR}} }

func newMDNS() wire.Datagram { return &groupDatagrams{d: dialogue{kind: event.MDNS}} }

// Packet reads one message.
func (r *dnsDatagrams) Packet(c wire.Context, from event.Side, data []byte) bool {
	return r.d.message(c, from, 0, data)
}

// message reads one message that began at offset off. It returns false when the
// bytes are not DNS.
func (d *dialogue) message(c wire.Context, from event.Side, off int, msg []byte) bool {
	h, err := readHeader(msg)
	if err != nil {
		return false
	}
	if h.opcode() != 0 {
		return h.opcode() <= 6 // NOTIFY, UPDATE, DSO: DNS, but no question
	}
	if h.isResponse() {
		err = d.response(c, from, off, msg, h)
	} else {
		err = d.query(c, from, off, msg, h)
	}
	if err != nil {
		d.broken(c, from, off, err)
		return false
	}
	if !d.named {
		d.named = true
		c.Name("dns")
	}
	return true
}

// broken reports a message that cannot be read, when the client sent it: an
// event is always about the client, and it is not to blame for its server.
func (d *dialogue) broken(c wire.Context, from event.Side, off int, err error) {
	if from != event.FromClient || d.faults >= faultLimit {
		return
	}
	d.faults++
	c.Emit(off, event.Malformed{Layer: "dns", Why: err.Error()})
}

// query reports the questions of a client. A query whose later sections cannot
// be read is not reported: it must not be taken for one without EDNS.
func (d *dialogue) query(c wire.Context, from event.Side, off int, msg []byte, h header) error {
	qs, at, err := readQuestions(msg, h)
	if err != nil {
		return err
	}
	e, _, err := findEDNS(msg, at, h.answers+h.authority, h.further)
	if err != nil || from != event.FromClient {
		return err
	}
	for _, q := range qs {
		d.ask(c, h.id, q)
		c.Emit(off, d.asked(c, h, q, e))
	}
	return nil
}

// ask remembers a question.
func (d *dialogue) ask(c wire.Context, id uint16, q question) {
	d.last = q
	w := asked{id: id, sum: sumOf(q), at: c.Now().UnixNano(), by: c.Ref()}
	if len(d.waiting) < outstanding {
		d.waiting = append(d.waiting, w)
		return
	}
	d.waiting[d.next] = w
	d.next = (d.next + 1) % outstanding
}

func readQuestions(msg []byte, h header) ([]question, int, error) {
	if h.questions > questionLimit {
		return nil, 0, errShort
	}
	out := make([]question, 0, 1)
	off := headerLen
	for range h.questions {
		q, next, err := readQuestion(msg, off)
		if err != nil {
			return nil, 0, err
		}
		out, off = append(out, q), next
	}
	return out, off, nil
}

func (d *dialogue) asked(c wire.Context, h header, q question, e edns) event.DNSAsked {
	return event.DNSAsked{
		Kind: d.kind, Transport: c.Conn().Transport, ID: h.id,
		Name: q.name, Type: q.qtype, Class: q.qcls,
		RD: h.has(flagRD), AD: h.has(flagAD), CD: h.has(flagCD),
		EDNS: e.present, DO: e.do, UDPSize: e.udpSize, Options: e.options, KeyTags: e.keyTags,
	}
}

// response reports a server's answer. What a client sends as a response is not
// one: the event would name the wrong host as the asker.
func (d *dialogue) response(c wire.Context, from event.Side, off int, msg []byte, h header) error {
	if h.questions > 1 {
		return errShort
	}
	qs, at, err := readQuestions(msg, h)
	if err != nil {
		return err
	}
	a := answers{msg: msg}
	if len(qs) > 0 {
		a.names.remember(headerLen, qs[0].name)
	}
	if at, err = a.read(at, h.answers); err != nil {
		return err
	}
	e, err := endOfAnswer(msg, at, h)
	if err != nil || from != event.FromServer {
		return err
	}
	body := event.DNSAnswered{
		Kind: d.kind, Transport: c.Conn().Transport, ID: h.id,
		RCode: h.rcode() | e.rcode, AA: h.has(flagAA), TC: h.has(flagTC), RA: h.has(flagRA), AD: h.has(flagAD),
		EDE: e.ede, Records: a.out,
	}
	d.match(c, &body, qs)
	c.Emit(off, body)
	return nil
}

// endOfAnswer reads what follows the answer section. In a truncated answer
// (RFC 2181 section 9) the last sections may be missing altogether.
func endOfAnswer(msg []byte, at int, h header) (edns, error) {
	e, _, err := findEDNS(msg, at, h.authority, h.further)
	if err != nil && h.has(flagTC) {
		return edns{}, nil
	}
	return e, err
}

// match finds the latest question with the answer's ID, name and type (RFC 5452
// section 9.1). An answer that does not repeat the question belongs to the last.
func (d *dialogue) match(c wire.Context, body *event.DNSAnswered, qs []question) {
	q := d.last
	if len(qs) > 0 {
		q = qs[0]
		body.Name, body.Type = q.name, q.qtype
	}
	n, sum := len(d.waiting), sumOf(q)
	for i := 1; i <= n; i++ {
		w := &d.waiting[(d.next-i+n)%n]
		if w.id != body.ID || w.sum != sum {
			continue
		}
		if after := time.Duration(c.Now().UnixNano() - w.at); after >= 0 && after <= matchFor {
			body.Name, body.Type = q.name, q.qtype
			body.Question, body.After = w.by, after
			return
		}
	}
}
