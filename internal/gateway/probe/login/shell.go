package login

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
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
		Config: anyCrypto(), HostKeyAlgorithms: hostKeys, User: user, Auth: methods, ClientVersion: "SSH-2.0-assay",
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), //nolint:gosec // the device under test is not trusted with anything
	})
	if err != nil {
		return err
	}
	var running sync.WaitGroup // both end with the connection
	defer running.Wait()
	running.Go(func() { ssh.DiscardRequests(requests) })
	running.Go(func() {
		for n := range channels {
			_ = n.Reject(ssh.Prohibited, "") // it wants something of us
		}
	})
	return c.Close()
}

// errAsked ends a login when the service asked for a password, before one is given.
var errAsked = errors.New("it asks for a password")

// hostKeys are the kinds of keys that a device may have, those that most clients ask for
// first: some servers trip over being asked for one that they have not.
var hostKeys = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
	ssh.KeyAlgoRSA, ssh.InsecureKeyAlgoDSA, //nolint:staticcheck // old devices have no other
}

// anyCrypto agrees to whatever the device has: old ones have nothing good.
func anyCrypto() ssh.Config {
	good, bad := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	return ssh.Config{
		KeyExchanges: append(good.KeyExchanges, bad.KeyExchanges...), Ciphers: append(good.Ciphers, bad.Ciphers...), MACs: append(good.MACs, bad.MACs...),
	}
}

// Ask logs in without a password, and hears whether the service would take one.
func (secureShell) Ask(ctx context.Context, dial Dial, to netip.AddrPort) (string, Answer) {
	began := time.Now()
	err := handshake(ctx, dial, to, "root",
		ssh.PasswordCallback(func() (string, error) { return "", errAsked }),
		ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			if len(questions) == 0 {
				return nil, nil
			}
			return nil, errAsked
		}))
	switch {
	case err == nil:
		a := answer(Accepted, "it lets root in without a password", began)
		a.Open = true
		return "none", a
	case errors.Is(err, errAsked):
		return "protocol", answer(Unclear, "it takes passwords", began)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return "none", answer(Unclear, "it takes no passwords", began)
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
		tried, began = true, time.Now()
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
