package login

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// secureShell is SSH (RFC 4252).
type secureShell struct{}

// errOnce keeps a password from being tried twice in one attempt.
var errOnce = errors.New("the password was tried already")

// handshake connects and logs in by the methods given; without one by "none"
// (RFC 4252, section 5.2).
func handshake(ctx context.Context, dial Dial, to netip.AddrPort, user string, methods ...ssh.AuthMethod) error {
	t, err := open(ctx, dial, "tcp", to, false, nil)
	if err != nil {
		return err
	}
	defer func() { _ = t.Close() }() // what was learnt is learnt
	c, channels, requests, err := ssh.NewClientConn(t.Conn, to.String(), &ssh.ClientConfig{
		User: user, Auth: methods, ClientVersion: "SSH-2.0-assay",
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), //nolint:gosec // the device under test is not trusted with anything
	})
	if err != nil {
		return err
	}
	go ssh.DiscardRequests(requests) // ends with the connection
	go func() {
		for n := range channels {
			_ = n.Reject(ssh.Prohibited, "") // it wants something of us
		}
	}()
	return c.Close()
}

// Ask logs in without a password.
func (secureShell) Ask(ctx context.Context, dial Dial, to netip.AddrPort) (string, Answer) {
	began := time.Now()
	err := handshake(ctx, dial, to, "root")
	switch {
	case err == nil:
		a := answer(Accepted, "it lets root in without a password", began)
		a.Open = true
		return "none", a
	case strings.Contains(err.Error(), "unable to authenticate"):
		return "protocol", answer(Unclear, "it wants more than a name", began)
	}
	return "", broken(err, began)
}

// Try logs in by a password, or by answering what is asked with it.
func (secureShell) Try(ctx context.Context, dial Dial, to netip.AddrPort, user, secret string) Answer {
	began := time.Now()
	tried := false
	once := func() (string, error) {
		if tried {
			return "", errOnce
		}
		tried = true
		return secret, nil
	}
	err := handshake(ctx, dial, to, user, ssh.PasswordCallback(once), ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
		if len(questions) != 1 {
			return make([]string, len(questions)), nil
		}
		reply, err := once()
		return []string{reply}, err
	}))
	switch {
	case err == nil:
		return answer(Accepted, "it lets the user in", began)
	case says(err.Error(), []string{"too many authentication failures"}):
		return answer(Locked, "it says: too many authentication failures", began)
	case tried && (errors.Is(err, errOnce) || strings.Contains(err.Error(), "unable to authenticate")):
		return answer(Refused, "it does not take the password", began)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return answer(Unclear, "it takes no passwords", began)
	}
	return broken(err, began)
}
