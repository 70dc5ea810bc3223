package traffic

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync"
	"time"
)

// Piece is what one side of a conversation wrote at once.
type Piece struct {
	FromServer bool
	Data       []byte
}

// Handshake is a TLS conversation to be had with a real TLS stack.
type Handshake struct {
	Name     string // server name
	Version  uint16 // the highest version both sides may use
	Suites   []uint16
	Request  []byte // application data of the client
	Response []byte // and of the server
	Rounds   int    // how often both are exchanged; 0 means once
}

// Record lets two real TLS stacks talk over memory and returns what each wrote.
func (h Handshake) Record() ([]Piece, error) {
	cert, err := selfSigned(h.Name)
	if err != nil {
		return nil, err
	}
	a, b := net.Pipe()
	tape := &tape{}
	client := tls.Client(&taped{Conn: a, tape: tape}, &tls.Config{
		ServerName: h.Name, MaxVersion: h.Version, MinVersion: tls.VersionTLS10, CipherSuites: h.Suites,
		InsecureSkipVerify: true, // the tape is about bytes; nothing is trusted here
	})
	server := tls.Server(&taped{Conn: b, tape: tape, fromServer: true}, &tls.Config{
		Certificates: []tls.Certificate{cert}, MaxVersion: h.Version, MinVersion: tls.VersionTLS10,
		CipherSuites: h.Suites, SessionTicketsDisabled: true,
	})
	served := make(chan error, 1)
	go func() { served <- h.serve(server) }()
	if err := h.ask(client); err != nil {
		return nil, fmt.Errorf("cannot record a TLS client of %s: %w", h.Name, err)
	}
	if err := <-served; err != nil {
		return nil, fmt.Errorf("cannot record a TLS server of %s: %w", h.Name, err)
	}
	return tape.pieces, nil
}

func (h Handshake) serve(c *tls.Conn) error {
	for range max(1, h.Rounds) {
		if _, err := io.ReadFull(c, make([]byte, len(h.Request))); err != nil {
			return err
		}
		if _, err := c.Write(h.Response); err != nil {
			return err
		}
	}
	return nil
}

func (h Handshake) ask(c *tls.Conn) error {
	for range max(1, h.Rounds) {
		if _, err := c.Write(h.Request); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, make([]byte, len(h.Response))); err != nil {
			return err
		}
	}
	return nil
}

// tape collects pieces in the order in which they were written.
type tape struct {
	mu     sync.Mutex
	pieces []Piece
}

type taped struct {
	net.Conn
	tape       *tape
	fromServer bool
}

// Write records and passes on.
func (t *taped) Write(p []byte) (int, error) {
	t.tape.mu.Lock()
	t.tape.pieces = append(t.tape.pieces, Piece{FromServer: t.fromServer, Data: append([]byte(nil), p...)})
	t.tape.mu.Unlock()
	return t.Conn.Write(p)
}

func selfSigned(name string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// Play lays recorded pieces on the cable as one TCP conversation.
func (c *Cable) Play(client, server End, pieces []Piece) {
	conn := c.Dial(client, server)
	for _, p := range pieces {
		if p.FromServer {
			conn.Server(p.Data)
		} else {
			conn.Client(p.Data)
		}
	}
	conn.Close()
}
