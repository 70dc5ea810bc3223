//go:build linux

package resolved

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/testbench/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

func write(t *testing.T, mode os.FileMode, path ...string) string {
	t.Helper()
	file := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("x"), mode); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestWhereTheProgramIsFound(t *testing.T) {
	machine, unpacked := t.TempDir(), t.TempDir()
	if p, ok := find(machine, unpacked); ok {
		t.Fatalf("found %+v where there is none", p)
	}
	write(t, 0o644, unpacked, "lib/systemd/systemd-resolved")
	if p, ok := find(machine, unpacked); ok {
		t.Fatalf("found %+v, which cannot be run", p)
	}
	file := write(t, 0o755, unpacked, "usr/lib/systemd/systemd-resolved")
	write(t, 0o644, unpacked, "usr/lib/some-linux-gnu/systemd/libsystemd-shared-252.so")
	write(t, 0o644, unpacked, "lib/some-linux-gnu/libcap.so.2")
	want := Program{file: file, libraries: []string{
		filepath.Join(unpacked, "lib/some-linux-gnu"), filepath.Join(unpacked, "usr/lib/some-linux-gnu/systemd"),
	}}
	got, ok := find(machine, unpacked)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Program{})); diff != "" || !ok {
		t.Errorf("the unpacked one:\n%s", diff)
	}
	own := write(t, 0o755, machine, "lib/systemd/systemd-resolved")
	got, ok = find(machine, unpacked)
	if diff := cmp.Diff(Program{file: own}, got, cmp.AllowUnexported(Program{})); diff != "" || !ok {
		t.Errorf("the machine's own:\n%s", diff)
	}
	if _, ok := find(t.TempDir(), ""); ok {
		t.Error("found one without a cache to look in")
	}
}

func TestQuote(t *testing.T) {
	if got := quote("/a b/it's"); got != `'/a b/it'\''s'` {
		t.Errorf("quoted as %s", got)
	}
}

// TestRunsAsADevice starts it in each setting, and looks at what is left of the
// device's files.
func TestRunsAsADevice(t *testing.T) {
	lab.Need(t)
	program := Need(t)
	key := ". 86400 IN DS 56283 13 2 " + strings.Repeat("ab", 32) + "\n"
	l, err := lab.New(t.Context(), lab.Options{RootKey: []byte("; made by a test\n" + key)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	before, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range []string{"yes", "allow-downgrade", "no"} {
		script := program.Functions() + `
set -e
echo 'nameserver 192.0.2.1' >/etc/resolv.conf
printf 'kept\n' >/run/kept
mkdir -p /etc/systemd; echo kept >/etc/systemd/resolved.conf
sum=$(cat /etc/passwd /etc/systemd/* 2>/dev/null | cksum)
resolved ` + setting + `
cat /etc/resolv.conf
tr '\n' ' ' <"/proc/$resolved_pid/root/etc/systemd/resolved.conf"; echo
cat "/proc/$resolved_pid/root/run/dnssec-trust-anchors.d/root.positive"
resolved_stop
test "$sum" = "$(cat /etc/passwd /etc/systemd/* 2>/dev/null | cksum)"; cat /run/kept
! grep -q ':0035 ' /proc/net/udp && echo ended`
		out, err := l.Device(0).Command(context.Background(), "sh", "-c", script).CombinedOutput()
		want := "nameserver 127.0.0.53\n[Resolve] DNS=192.0.2.1  FallbackDNS= DNSSEC=" + setting +
			" DNSOverTLS=no LLMNR=no MulticastDNS=no \n. IN DS 56283 13 2 " + strings.Repeat("ab", 32) + "\nkept\nended\n"
		if diff := cmp.Diff(want, string(out)); diff != "" || err != nil {
			t.Errorf("DNSSEC=%s: %v\n%s", setting, err, diff)
		}
	}
	if after, err := os.ReadFile("/etc/resolv.conf"); err != nil || string(after) != string(before) {
		t.Errorf("the machine's resolv.conf is now %q, %v", after, err)
	}
}
