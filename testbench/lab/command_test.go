//go:build linux

package lab

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestCommandSeesItsOwnWorld(t *testing.T) {
	ctx, l := start(t, Options{Devices: 2, CA: []byte("LAB CERTIFICATE"), RootKey: []byte("LAB KEY")})
	script := `set -e
hostname; ip -o link show eth0 | grep -c 'link/ether 00:00:5e:00:53:01'
wc -c < /etc/resolv.conf
echo nameserver 192.0.2.53 > /etc/resolv.conf.new; mv /etc/resolv.conf.new /etc/resolv.conf
tail -n 1 "$SSL_CERT_FILE"; echo; cat "$ASSAY_ROOT_KEY"; echo
find /run/ /var/run/ -type f
ls /sys/class/net | sort | tr '\n' ' '; echo
echo x > /run/x; echo "${ASSAY_LAB-unset}"; pwd`
	out, err := l.Device(0).Command(ctx, "sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir, _ := os.Getwd()
	want := "device0\n1\n0\nLAB CERTIFICATE\nLAB KEY\neth0 lo \nunset\n" + dir + "\n"
	if got := string(out); got != want {
		t.Errorf("saw\n%s\nwant\n%s", got, want)
	}
	kept, err := l.Device(0).ReadFile("/etc/resolv.conf")
	if err != nil || string(kept) != "nameserver 192.0.2.53\n" {
		t.Errorf("device 0's resolv.conf: %q, %v", kept, err)
	}
	other, err := l.Device(1).Command(ctx, "sh", "-c", "cat /etc/resolv.conf; find /run/ -type f; hostname").CombinedOutput()
	if err != nil || string(other) != "device1\n" {
		t.Errorf("device 1 saw %q, %v", other, err)
	}
}

// TestCommandIsTheProgramItself: process id, exit code, folder and environment are
// the program's, as with any exec.Cmd.
func TestCommandIsTheProgramItself(t *testing.T) {
	ctx, l := start(t, Options{})
	dir := t.TempDir()
	cmd := l.Device(0).Command(ctx, "sh", "-c", `echo $$ "$PWD" "$MINE" "$0"; exit 7`, "zero")
	cmd.Dir, cmd.Env = dir, []string{"MINE=yes"} // PATH and PWD are missing
	out, err := cmd.Output()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != 7 {
		t.Fatalf("ended with %v", err)
	}
	f := strings.Fields(string(out))
	if len(f) != 4 || f[1] != dir || f[2] != "yes" || f[3] != "zero" {
		t.Errorf("said %q", out)
	}
	if pid := cmd.Process.Pid; len(f) > 0 && f[0] != itoa(pid) {
		t.Errorf("is process %s, was started as %d", f[0], pid)
	}
}

func TestCommandThatIsNotThere(t *testing.T) {
	ctx, l := start(t, Options{})
	cmd := l.Device(0).Command(ctx, "no-such-program")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != notRun || !strings.Contains(string(out), "no-such-program") {
		t.Errorf("ended with %v: %s", err, out)
	}
}

func TestCommandLosesTheHostsProxies(t *testing.T) {
	t.Setenv("https_proxy", "http://proxy.example:3128")
	t.Setenv("SSL_CERT_FILE", "/nowhere")
	ctx, l := start(t, Options{})
	cmd := l.Device(0).Command(ctx, "sh", "-c", `echo "${https_proxy-none} $SSL_CERT_FILE ${ASSAY_ROOT_KEY-none}"`)
	if out, err := cmd.Output(); err != nil || string(out) != "none "+caBundle+" none\n" {
		t.Errorf("saw %q, %v", out, err)
	}
	cmd = l.Device(0).Command(ctx, "sh", "-c", `echo "$https_proxy"`)
	cmd.Env = append(cmd.Env, "https_proxy=mine")
	if out, err := cmd.Output(); err != nil || string(out) != "mine\n" {
		t.Errorf("what the caller sets: %q, %v", out, err)
	}
}

func TestTrustCanChangeLater(t *testing.T) {
	ctx, l := start(t, Options{CA: []byte("FIRST")})
	read := func() string {
		out, err := l.Device(0).Command(ctx, "sh", "-c", `tail -n 1 "$SSL_CERT_FILE"; cat "$ASSAY_ROOT_KEY" 2>&1`).Output()
		_ = err // the first time there is no key
		return string(out)
	}
	if got := read(); !strings.HasPrefix(got, "FIRST") {
		t.Errorf("first: %q", got)
	}
	must(t, l.Trust([]byte("SECOND"), []byte("KEY")))
	if got := read(); got != "SECONDKEY" {
		t.Errorf("then: %q", got)
	}
}

func TestFilesStayWithinTheSite(t *testing.T) {
	_, l := start(t, Options{})
	for _, name := range []string{"/tmp/x", "/etc/../tmp/x", "etc/x", "/etc"} {
		if err := l.Device(0).WriteFile(name, nil, 0o644); err == nil {
			t.Errorf("%s was written", name)
		}
		if _, err := l.Device(0).ReadFile(name); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	must(t, l.Device(0).WriteFile("/run/a/b", []byte("x"), 0o700))
	if got, err := l.Device(0).ReadFile("/run/a/b"); err != nil || string(got) != "x" {
		t.Errorf("read %q, %v", got, err)
	}
}
