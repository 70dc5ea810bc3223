package intercept

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/netip"
	"time"

	"assay/internal/assess/evidence"
)

// Config is what an Interceptor is made of. Listen is needed; the rest has defaults.
type Config struct {
	// Listener takes the redirected connections.
	Listener net.Listener
	// Original tells where a connection was going before it was redirected;
	// OriginalDestination when nil.
	Original func(net.Conn) (netip.AddrPort, error)
	// Dial opens a connection to the genuine server.
	Dial func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
	// Policy decides what is done with a connection, and is told how it ended. nil
	// splices all.
	Policy Policy
	// Note takes the notes. May be nil.
	Note func(evidence.Note)
	// Secrets takes the key log lines of flawed sessions, with the device's end of
	// the connection. May be nil.
	Secrets func(client netip.AddrPort, line string)
	// Operator is a publicly trusted certificate with its key, for the flaws
	// wrong-name and leaf-as-ca; without it these are not presented.
	Operator *Operator
	// Roots verify nothing here but tell which chain of the genuine server to copy;
	// unused when nil.
	Roots *x509.CertPool
	Now   func() time.Time // time.Now when nil
	Rand  io.Reader        // crypto/rand when nil
	Times Times
}

// Policy decides about connections. Its methods are called from many goroutines and
// must not wait.
type Policy interface {
	// Decide says what is done with a connection that began with a ClientHello.
	Decide(h Hello) Decision
	// Ended tells how it ended.
	Ended(h Hello, d Decision, outcome string)
}

// Hello is what a decision rests on.
type Hello struct {
	Client, Server netip.AddrPort // as the device has them
	Name           string         // SNI; "" when none
	At             time.Time
}

// Decision is a flaw, and the number of the attempt in a row.
type Decision struct {
	Case    string // event.Case*; "" is CasePass
	Attempt int
}

// Times bound how long anything is waited for; zero fields get the defaults.
type Times struct {
	Hello     time.Duration // for the client's first bytes; then the server speaks first
	Handshake time.Duration
	Data      time.Duration // for application data after the handshake
	Genuine   time.Duration // for the genuine server's certificate
	Idle      time.Duration // of a spliced connection
	Swallow   time.Duration // a ClientHello that gets no answer
}

func (t Times) withDefaults() Times {
	for _, f := range []struct {
		own   *time.Duration
		other time.Duration
	}{
		{&t.Hello, 2 * time.Second}, {&t.Handshake, 15 * time.Second}, {&t.Data, 5 * time.Second},
		{&t.Genuine, 4 * time.Second}, {&t.Idle, 15 * time.Minute}, {&t.Swallow, 20 * time.Second},
	} {
		if *f.own == 0 {
			*f.own = f.other
		}
	}
	return t
}

// Bounds.
const (
	connLimit    = 256      // connections at once
	helloLimit   = 64 << 10 // bytes of a ClientHello with its records
	genuineLimit = 256      // destinations whose genuine certificate is remembered
	appLimit     = 64 << 10 // bytes of application data that are read
)

// Counts is what an Interceptor has done.
type Counts struct {
	Connections, Spliced, Flawed, Refused uint64 // Refused: beyond what is handled at once
}
