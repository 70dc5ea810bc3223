package fleet

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// door is a service on the local network.
type door struct {
	port string
	open func(ctx context.Context, l net.Listener) error
}

// serve opens the door until ctx ends.
func (d door) serve(ctx context.Context, t ipv6Trait) error {
	network := "tcp"
	if t == ipv6Off {
		network = "tcp4"
	}
	l, err := new(net.ListenConfig).Listen(ctx, network, ":"+d.port)
	if err != nil {
		return fmt.Errorf("cannot open port %s: %w", d.port, err)
	}
	err = d.open(ctx, l)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(err, l.Close())
}

// page is a web server, with TLS where c is not nil.
func page(port string, c *tls.Config, h http.Handler) door {
	return door{port, func(ctx context.Context, l net.Listener) error {
		if c != nil {
			l = tls.NewListener(l, c)
		}
		s := &http.Server{Handler: h, ReadTimeout: tryFor, WriteTimeout: tryFor, MaxHeaderBytes: 8 << 10, ErrorLog: log.New(io.Discard, "", 0)}
		defer context.AfterFunc(ctx, func() { _ = s.Close() })() // it is switched off
		return s.Serve(l)
	}}
}

// Bounds of a Telnet service.
const (
	telnetMost = 8 // conversations at once
	telnetFor  = 20 * time.Second
	lineMost   = 128
)

// telnet is a login in clear.
func telnet(port, name, user, password string) door {
	return door{port, func(ctx context.Context, l net.Listener) error {
		defer context.AfterFunc(ctx, func() { _ = l.Close() })() // ends the accepting
		var all sync.WaitGroup
		defer all.Wait()
		room := make(chan struct{}, telnetMost)
		for {
			c, err := l.Accept()
			if err != nil {
				return err
			}
			room <- struct{}{}
			all.Go(func() {
				defer func() { <-room }()
				defer context.AfterFunc(ctx, func() { _ = c.Close() })()
				defer func() { _ = c.Close() }() // the conversation is over
				if c.SetDeadline(time.Now().Add(telnetFor)) == nil {
					_ = login(c, name, user, password) // a caller who hangs up is no fault
				}
			})
		}
	}}
}

// login asks three times for a name and a password, and then gives a prompt.
func login(c io.ReadWriter, name, user, password string) error {
	const willEcho, willSuppress = "\xff\xfb\x01", "\xff\xfb\x03" // RFC 857, RFC 858
	lines := bufio.NewScanner(c)
	lines.Buffer(make([]byte, lineMost), lineMost)
	ask := func(words string) (string, error) {
		if _, err := io.WriteString(c, words); err != nil {
			return "", err
		}
		if !lines.Scan() {
			return "", errors.Join(lines.Err(), io.EOF)
		}
		return plain(lines.Text()), nil
	}
	greeting := willEcho + willSuppress + "\r\n" + name + " login: "
	for range 3 {
		who, err := ask(greeting)
		if err != nil {
			return err
		}
		secret, err := ask("Password: ")
		if err != nil {
			return err
		}
		if who == user && secret == password {
			return shell(ask, name)
		}
		greeting = "\r\nLogin incorrect\r\n" + name + " login: "
	}
	return nil
}

// shell takes commands and knows none.
func shell(ask func(string) (string, error), name string) error {
	prompt := "\r\nBusyBox v1.12.1 built-in shell (ash)\r\n# "
	for {
		line, err := ask(prompt)
		if err != nil || line == "exit" {
			return err
		}
		prompt = "\r\n" + name + ": not found\r\n# "
	}
}

// plain leaves out the commands of Telnet, three bytes each (RFC 854), and the end of
// the line.
func plain(line string) string {
	const iac = "\xff"
	for {
		i := strings.Index(line, iac)
		if i < 0 {
			return strings.Trim(line, "\r\n\x00 ")
		}
		line = line[:i] + line[min(len(line), i+3):]
	}
}
