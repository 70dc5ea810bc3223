package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/testbench/lab"
)

// realBox is 'assay gateway' between a device and an internet, and somebody who tries
// its page from everywhere. What does not hold is printed.
func realBox() {
	reentry()
	if !lab.Inside() {
		code, err := lab.Reexec()
		if err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			code = exitMissing
		}
		os.Exit(code)
	}
	if err := tryBox(context.Background()); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// console of the box: what it says, as it says it.
type sayings struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (s *sayings) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.text.Write(b)
}

// await waits until the box has said something.
func (s *sayings) await(ctx context.Context, what *regexp.Regexp) (string, error) {
	for {
		s.mu.Lock()
		text := s.text.String()
		s.mu.Unlock()
		if m := what.FindStringSubmatch(text); m != nil {
			return m[1], nil
		}
		select {
		case <-s.more:
		case <-ctx.Done():
			return "", fmt.Errorf("the box did not say %s, but:\n%s", what, text)
		}
	}
}

var (
	keySaid   = regexp.MustCompile(`shown this once: (\S+)`)
	readySaid = regexp.MustCompile(`(plug the device into) lan0`)
)

func tryBox(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	l, err := lab.New(ctx, lab.Options{GatewayHere: true, BareUplink: true})
	if err != nil {
		return err
	}
	state := l.Dir()
	file := filepath.Join(state, "assay.yaml")
	settings := "ports: {lan: lan0, wan: wan0}\nuplink: {mode: static, addresses: [198.51.100.2/24], gateways: [198.51.100.1]}\n" +
		"store: {folder: " + state + "/runs, state: " + state + "/state}\nboard: {kind: none}\n"
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		return err
	}
	said := &sayings{more: make(chan struct{}, 1)}
	ended := make(chan int, 1)
	go func() {
		ended <- run([]string{"gateway", "--config", file}, console{in: strings.NewReader(""), out: said, err: said})
	}()
	tried := tryPage(ctx, l, said)
	if err := unix.Kill(os.Getpid(), unix.SIGINT); err != nil {
		return err
	}
	if code := <-ended; code != 0 && tried == nil {
		tried = fmt.Errorf("the box ended with %d: %s", code, said.text.String())
	}
	return errors.Join(tried, l.Close())
}

// tryPage asks for the page from the box itself, from the internet's side and from the
// device's.
func tryPage(ctx context.Context, l *lab.Lab, said *sayings) error {
	if _, err := said.await(ctx, readySaid); err != nil {
		return err
	}
	key, err := said.await(ctx, keySaid)
	if err != nil {
		return err
	}
	for _, from := range []struct {
		site *lab.Site
		at   string
	}{{l.Gateway, "127.0.0.1:8643"}, {l.Internet, "198.51.100.2:8643"}} {
		if err := enterBox(ctx, from.site, from.at, key); err != nil {
			return fmt.Errorf("from %s: %w", from.site.Name, err)
		}
	}
	device := l.Device(0)
	if err := device.Assign(lab.DeviceLink, netip.MustParsePrefix("192.168.77.9/24")); err != nil {
		return err
	}
	for _, at := range []string{"192.168.77.1:8643", "198.51.100.2:8643"} {
		short, stop := context.WithTimeout(ctx, 2*time.Second)
		c, err := device.Dial(short, "tcp", at)
		stop()
		if err == nil {
			return errors.Join(fmt.Errorf("the device reaches the page at %s", at), c.Close())
		}
	}
	return nil
}

// enterBox is turned away without the key and let in with it.
func enterBox(ctx context.Context, from *lab.Site, at, key string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // its fingerprint is another test's
		DialContext:     func(ctx context.Context, network, _ string) (net.Conn, error) { return from.Dial(ctx, network, at) },
	}}
	defer client.CloseIdleConnections()
	code, _, err := visit(ctx, client, http.MethodGet, "https://"+at+"/api/runs", nil)
	if err != nil || code != http.StatusUnauthorized {
		return fmt.Errorf("a stranger gets %d, %w", code, err)
	}
	code, body, err := visit(ctx, client, http.MethodPost, "https://"+at+"/enter", url.Values{"token": {key}})
	if err != nil || code != http.StatusOK || !strings.Contains(body, "No device on the port") {
		return fmt.Errorf("who has the key gets %d, %w: %.300s", code, err, body)
	}
	code, body, err = visit(ctx, client, http.MethodGet, "https://"+at+"/box", nil)
	if err != nil || code != http.StatusOK || !strings.Contains(body, "lan0") {
		return fmt.Errorf("the box's own page is %d, %w: %.300s", code, err, body)
	}
	return nil
}

func visit(ctx context.Context, client *http.Client, method, at string, form url.Values) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, method, at, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	a, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	body, err := io.ReadAll(a.Body)
	return a.StatusCode, string(body), errors.Join(err, a.Body.Close())
}

// TestTheBoxShowsItsPage: to the lab's side and to itself, by the key alone, and never
// to the device.
func TestTheBoxShowsItsPage(t *testing.T) {
	if !hasLab(t) {
		t.Skip("there are no namespaces here")
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Args = []string{"realbox"}
	cmd.WaitDelay = 20 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
