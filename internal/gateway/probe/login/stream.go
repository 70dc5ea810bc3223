package login

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/icholy/digest"
)

// stream is RTSP (RFC 2326, RFC 7826), which asks as HTTP does.
type stream struct {
	secure  bool
	secrets Secrets
}

func (s stream) address(to netip.AddrPort) string {
	scheme := "rtsp"
	if s.secure {
		scheme = "rtsps"
	}
	return scheme + "://" + netip.AddrPortFrom(to.Addr().WithZone(""), to.Port()).String() + "/"
}

// describe asks what can be seen, which every camera that asks for a password refuses
// without one (RFC 2326, section 10.2).
func (t *talk) describe(at, authorise string, number int) (code int, header http.Header, err error) {
	ask := fmt.Sprintf("DESCRIBE %s RTSP/1.0\r\nCSeq: %d\r\nAccept: application/sdp\r\nUser-Agent: assay\r\n", at, number)
	if authorise != "" {
		ask += "Authorization: " + authorise + "\r\n"
	}
	if _, err := t.Write([]byte(ask + "\r\n")); err != nil {
		return 0, nil, err
	}
	first, err := t.line()
	if err != nil {
		return 0, nil, err
	}
	if n, err := fmt.Sscanf(first, "RTSP/1.0 %d", &code); n != 1 || err != nil {
		return 0, nil, fmt.Errorf("it answers: %s", plain(first))
	}
	header = http.Header{}
	for range linesMost {
		line, err := t.line()
		if err != nil || line == "" {
			return code, header, err
		}
		if name, value, ok := strings.Cut(line, ":"); ok {
			header.Add(textproto.TrimString(name), textproto.TrimString(value))
		}
	}
	return code, header, errors.New("its header has no end")
}

// describesMedia reads the description that was promised: one of media has a line that
// begins with "m=" (RFC 8866, section 5.14).
func (t *talk) describesMedia(header http.Header) bool {
	length, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	if err != nil || length <= 0 {
		return false
	}
	body, err := io.ReadAll(io.LimitReader(t.in, min(length, pageMost)))
	return err == nil && strings.Contains("\n"+string(body), "\nm=")
}

// Ask asks without a password.
func (s stream) Ask(ctx context.Context, dial Dial, to netip.AddrPort) (string, Answer) {
	began := time.Now()
	t, err := open(ctx, dial, "tcp", to, s.secure, s.secrets)
	if err != nil {
		return "", broken(err, began)
	}
	defer func() { _ = t.Close() }() // it was only asked
	code, header, err := t.describe(s.address(to), "", 1)
	why := fmt.Sprintf("DESCRIBE without a password is answered with %d", code)
	switch {
	case err != nil:
		return "", broken(err, began)
	case code == http.StatusOK && !t.describesMedia(header):
		return "", answer(Unclear, why+", but no media is described", began)
	case code == http.StatusOK:
		a := answer(Accepted, why, began)
		a.Open = true
		return "none", a
	case code != http.StatusUnauthorized:
		return "", answer(Unclear, why, began)
	}
	return page{code: code, header: header}.asks(), answer(Unclear, why, began)
}

// Try asks with one, on the connection on which the service said how.
func (s stream) Try(ctx context.Context, dial Dial, to netip.AddrPort, user, secret string) Answer {
	began := time.Now()
	t, err := open(ctx, dial, "tcp", to, s.secure, s.secrets)
	if err != nil {
		return broken(err, began)
	}
	defer func() { _ = t.Close() }() // what was learnt is learnt
	code, header, err := t.describe(s.address(to), "", 1)
	if err != nil {
		return broken(err, began)
	}
	if code != http.StatusUnauthorized {
		return answer(Unclear, fmt.Sprintf("it no longer asks: %d", code), began)
	}
	authorise, err := s.credentials(header, to, user, secret)
	if err != nil {
		return broken(err, began)
	}
	began = time.Now()
	if code, _, err = t.describe(s.address(to), authorise, 2); err != nil {
		return broken(err, began)
	}
	why := fmt.Sprintf("DESCRIBE with the password is answered with %d", code)
	switch code {
	case http.StatusOK:
		return answer(Accepted, why, began)
	case http.StatusUnauthorized:
		return answer(Refused, why, began)
	case http.StatusTooManyRequests, http.StatusLocked:
		return answer(Locked, why, began)
	}
	return answer(Unclear, why, began)
}

// credentials are Basic or Digest, as the service wants them.
func (s stream) credentials(header http.Header, to netip.AddrPort, user, secret string) (string, error) {
	if c, err := digest.FindChallenge(header); err == nil && digest.CanDigest(c) {
		out, err := digest.Digest(c, digest.Options{Username: user, Password: secret, Method: "DESCRIBE", URI: s.address(to), Count: 1})
		if err != nil {
			return "", err
		}
		return out.String(), nil
	}
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, secret)
	return r.Header.Get("Authorization"), nil
}
