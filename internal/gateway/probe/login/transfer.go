package login

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"strings"
	"time"
)

// fileTransfer is FTP (RFC 959).
type fileTransfer struct{}

// reply reads one reply of one or more lines and gives its code.
func (t *talk) reply() (code, text string, err error) {
	for range linesMost {
		if text, err = t.line(); err != nil {
			return "", text, err
		}
		if len(text) >= 4 && text[3] == ' ' && digits(text[:3]) {
			return text[:3], text, nil
		}
	}
	return "", text, errors.New("it replies without an end")
}

func digits(text string) bool { return strings.Trim(text, "0123456789") == "" }

// Ask hears the greeting. FTP always asks.
func (fileTransfer) Ask(ctx context.Context, dial Dial, to netip.AddrPort) (string, Answer) {
	began := time.Now()
	t, err := open(ctx, dial, "tcp", to, false, nil)
	if err != nil {
		return "", broken(err, began)
	}
	defer func() { _ = t.Close() }() // it was only asked
	code, text, err := t.reply()
	if err != nil || code != "220" {
		return "", answer(Unclear, "its greeting is: "+text, began)
	}
	return "protocol", answer(Unclear, "it greets with: "+text, began)
}

// Try logs in.
func (fileTransfer) Try(ctx context.Context, dial Dial, to netip.AddrPort, user, secret string) Answer {
	return fileTransfer{}.enter(ctx, dial, to, user, secret).without(secret)
}

func (fileTransfer) enter(ctx context.Context, dial Dial, to netip.AddrPort, user, secret string) Answer {
	began := time.Now()
	t, err := open(ctx, dial, "tcp", to, false, nil)
	if err != nil {
		return broken(err, began)
	}
	defer func() { _ = t.Close() }() // what was learnt is learnt
	_, text, err := t.reply()
	var code string
	for _, command := range []string{"USER " + user, "PASS " + secret} {
		if err != nil {
			return closed(text, err, began)
		}
		began = time.Now()
		if _, err = io.WriteString(t, command+"\r\n"); err == nil {
			code, text, err = t.reply()
		}
		if code != "331" {
			break
		}
	}
	if err != nil {
		return closed(text, err, began)
	}
	defer func() { _, _ = io.WriteString(t, "QUIT\r\n") }() // it ends with the connection anyway
	return transferred(code, text, began)
}

// transferred reads the reply to a login (RFC 959, section 5.4).
func transferred(code, text string, began time.Time) Answer {
	switch {
	case code == "230":
		return answer(Accepted, "it replies: "+text, began)
	case code == "421" || says(text, lockedWords):
		return answer(Locked, "it replies: "+text, began)
	case code == "530":
		return answer(Refused, "it replies: "+text, began)
	}
	return answer(Unclear, "it replies: "+text, began)
}
