package clear

import (
	"bytes"
	"encoding/binary"
	"strings"

	"assay/internal/assess/decode/clear/auth"
	"assay/internal/assess/decode/clear/scan"
	"assay/internal/assess/decode/wire"
	"assay/internal/assess/event"
)

// dialog reads RTSP (RFC 2326, RFC 7826) and SIP over TCP (RFC 3261): heads like
// those of HTTP, from both sides, and in RTSP media frames between them.
type dialog struct {
	talk
	service string
	sides   [2]dialogSide
	named   bool
	greeted bool
	pending login
	cseq    string // of the request with the pending login
	secure  bool   // SRTP was negotiated
	media   bool   // media was reported
}

type dialogSide struct {
	left     int64 // of a body or frame
	body     bool  // what is left is a body, which is looked through
	searched int
	astray   bool
}

func newRTSP(p *scan.Patterns) wire.Stream {
	return &dialog{talk: newTalk(p, scanLimit), service: "rtsp"}
}

func newSIP(p *scan.Patterns) wire.Stream {
	return &dialog{talk: newTalk(p, scanLimit), service: "sip"}
}

// Data implements wire.Stream.
func (s *dialog) Data(c wire.Context, from event.Side, data []byte) wire.Step {
	if !s.named {
		s.named = true
		c.Name(s.service)
	}
	at := 0
	for at < len(data) {
		used := s.step(c, from, at, data[at:])
		at += used
		if used == 0 {
			break
		}
	}
	return wire.Step{Consumed: at}
}

func (s *dialog) step(c wire.Context, from event.Side, off int, data []byte) int {
	side := &s.sides[from]
	switch {
	case side.left > 0:
		return s.inside(c, from, off, data)
	case data[0] == '\r' || data[0] == '\n':
		return 1
	case data[0] == '$' && s.service == "rtsp":
		return s.frame(c, from, off, data)
	case side.astray:
		return s.seek(from, data)
	default:
		return s.head(c, from, off, data)
	}
}

func (s *dialog) inside(c wire.Context, from event.Side, off int, data []byte) int {
	side := &s.sides[from]
	n := int(min(side.left, int64(len(data))))
	side.left -= int64(n)
	if side.body {
		s.look(c, from, off, data[:n], scan.Full)
		if side.left == 0 {
			s.endMessage(c, from, off)
		}
	}
	return n
}

// frame takes an interleaved frame: $, channel, length (RFC 2326 section 10.12).
// RTP comes on even channels.
func (s *dialog) frame(c wire.Context, from event.Side, off int, data []byte) int {
	if len(data) < 6 {
		return 0
	}
	side := &s.sides[from]
	side.astray, side.body = false, false
	side.left = int64(binary.BigEndian.Uint16(data[2:4]))
	kind := data[5] & 0x7f
	rtp := data[1]&1 == 0 && data[4]>>6 == 2 && (kind < 64 || kind > 95) && side.left > 12
	if rtp && !s.media && !s.secure {
		s.media = true
		c.Emit(off, event.MediaSeen{Protocol: "rtp", PayloadType: kind})
		s.expose(c, off, s.scanner.Report(from, event.ExposedRTP, "rtp", "", 0))
	}
	return 4
}

func (s *dialog) head(c wire.Context, from event.Side, off int, data []byte) int {
	side := &s.sides[from]
	end := headEnd(data, side.searched)
	if end < 0 || end > headLimit {
		side.searched = len(data)
		if len(data) <= headLimit {
			return 0
		}
		*side = dialogSide{astray: true}
		return len(data)
	}
	h := parseHead(data[:end])
	*side = dialogSide{astray: !s.message(c, from, off, &h)}
	s.look(c, from, off, data[:end], scan.Full)
	s.endMessage(c, from, off)
	if n, _, ok := contentLength(&h); ok {
		side.left, side.body = n, true
	}
	return end
}

// message reads one head; false when it is none of this protocol.
func (s *dialog) message(c wire.Context, from event.Side, off int, h *head) bool {
	s.secure = s.secure || strings.Contains(h.get("transport"), "SAVP")
	if version, status, ok := statusLine(h.first); ok && s.is(version) {
		if from == event.FromServer {
			s.answered(c, off, status, h)
		}
		return true
	}
	_, target, version, ok := requestLine(h.first)
	if !ok || !s.is(version) {
		return false
	}
	if from == event.FromClient {
		s.asks(c, off, target, h)
	}
	return true
}

func (s *dialog) is(version string) bool {
	if s.service == "sip" {
		return version == "SIP/2.0"
	}
	return isRTSP(version)
}

func isRTSP(version string) bool { return version == "RTSP/1.0" || version == "RTSP/2.0" }
func isSIP(version string) bool  { return version == "SIP/2.0" }

func (s *dialog) asks(c wire.Context, off int, target string, h *head) {
	clean, inTarget, found := auth.Target(target)
	for _, name := range []string{"authorization", "proxy-authorization"} {
		if cred, ok := auth.Authorization(h.get(name)); ok {
			inTarget, found = cred, true
		}
	}
	if !found {
		return
	}
	s.pending = s.login(c, off, s.service, pathOf(clean), inTarget)
	s.cseq = auth.Cut(h.get("cseq"), 64)
}

func (s *dialog) answered(c wire.Context, off, status int, h *head) {
	if !s.greeted && s.service == "rtsp" {
		s.greeted = true
		if server := h.get("server"); server != "" {
			c.Emit(off, event.ServiceBanner{Service: "rtsp", Text: auth.Cut(server, bannerLimit)})
		}
	}
	if h.get("cseq") != s.cseq {
		return
	}
	switch {
	case status/100 == 2:
		s.pending.answer(c, off, event.OutcomeAccepted)
	case status == 401 || status == 403 || status == 407:
		if !strings.EqualFold(auth.Param(realmRest(h), "stale"), "true") {
			s.pending.answer(c, off, event.OutcomeRefused)
		}
	}
}

// seek passes over lines until one begins a message.
func (s *dialog) seek(from event.Side, data []byte) int {
	line, _, whole := bytes.Cut(data, []byte("\n"))
	if !whole {
		if len(data) > lineLimit {
			return len(data)
		}
		return 0
	}
	text := string(bytes.TrimRight(line[:min(len(line), lineLimit)], "\r"))
	version, _, ok := statusLine(text)
	if !ok {
		_, _, version, ok = requestLine(text)
	}
	if !ok || !s.is(version) {
		return len(line) + 1
	}
	s.sides[from].astray = false
	// The line is read again as the beginning of a head.
	return 0
}

// Gap implements wire.Stream.
func (s *dialog) Gap(_ wire.Context, from event.Side, n int) {
	side := &s.sides[from]
	s.scanner.Gap(from)
	if side.left > int64(n) {
		side.left -= int64(n)
		return
	}
	*side = dialogSide{astray: true}
	s.cseq = ""
}

// Close implements wire.Stream.
func (s *dialog) Close(c wire.Context, from event.Side) { s.endMessage(c, from, 0) }

func recogniseRTSP(_ wire.Conn, from event.Side, first []byte) wire.Match {
	return recogniseFirst(from, first, "RTSP/", isRTSP)
}

func recogniseSIP(_ wire.Conn, from event.Side, first []byte) wire.Match {
	return recogniseFirst(from, first, "SIP/", isSIP)
}
