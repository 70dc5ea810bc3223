package intercept

import (
	"encoding/binary"
	"net"
)

// watched looks at the records that pass. OpenSSL's clients tell a TLS 1.3 server in
// clear that they refuse its certificate, when the server expects everything to be
// encrypted; crypto/tls takes such an alert for damage.
type watched struct {
	net.Conn
	answered bool // anything but an alert was sent to the client
	alert    clearAlert
}

func (w *watched) Write(p []byte) (int, error) {
	if len(p) > 0 && p[0] == recordHandshake {
		w.answered = true
	}
	return w.Conn.Write(p)
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.alert.see(p[:n])
	return n, err
}

// clearAlert finds an alert that is not encrypted in a stream of records: only such a
// one is two bytes long.
type clearAlert struct {
	seen        bool
	description uint8

	head [recordHeader + 2]byte // of the present record
	got  int                    // bytes of it in head
	skip int                    // bytes of it that are still to come
}

func (a *clearAlert) see(p []byte) {
	const alert, size = 21, 2
	for len(p) > 0 && !a.seen {
		if a.skip > 0 {
			n := min(a.skip, len(p))
			a.skip, p = a.skip-n, p[n:]
			continue
		}
		a.head[a.got] = p[0]
		a.got, p = a.got+1, p[1:]
		length := int(binary.BigEndian.Uint16(a.head[3:]))
		switch {
		case a.got < recordHeader:
		case a.head[0] != alert || length != size:
			a.got, a.skip = 0, length
		case a.got == len(a.head):
			a.seen, a.description = true, a.head[6]
		}
	}
}
