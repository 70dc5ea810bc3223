package login

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/testbench/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// realSecret is the right password of root at every real server.
const realSecret = "tr0ub4dor"

// free finds a port on loopback that nobody uses.
func free(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return netip.MustParseAddrPort(l.Addr().String())
}

// start runs a server until the test ends, and waits for its port.
func start(t *testing.T, at netip.AddrPort, argv ...string) {
	t.Helper()
	lab.NeedProgram(t, argv[0])
	ctx, stop := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, find(argv[0]), argv[1:]...)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it was ended
		if t.Failed() {
			t.Logf("%s said: %s", argv[0], said.String())
		}
	})
	if !at.IsValid() {
		return
	}
	limit, again := time.After(10*time.Second), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for {
		if c, err := net.Dial("tcp", at.String()); err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-again.C:
		case <-limit:
			t.Fatalf("%s does not listen at %s", argv[0], at)
		}
	}
}

// find looks where servers are, too.
func find(name string) string {
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	return name
}

// write makes a file of a server's.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// accounts gives root a password, inside the lab alone.
func accounts(t *testing.T) {
	t.Helper()
	lab.Need(t)
	hash, err := exec.Command("openssl", "passwd", "-6", realSecret).Output()
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		"/etc/shadow": "root:" + strings.TrimSpace(string(hash)) + ":19000:0:99999:7:::\n",
		"/etc/passwd": "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\nsshd:x:65534:65534::/:/bin/sh\nftp:x:65534:65534::/:/bin/sh\n",
	} {
		if err := unix.Mount(write(t, "file", text), file, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Unmount(file, unix.MNT_DETACH) })
	}
}

// attempts checks how a real server answers to wrong pairs and to the right one.
func attempts(t *testing.T, service, how, user string, at netip.AddrPort) {
	t.Helper()
	client := Clients(nil)[service]
	if got, a := client.Ask(t.Context(), dialer, at); got != how || a.Open {
		t.Errorf("it asks by %q: %+v", got, a)
	}
	for _, try := range []struct {
		user, secret string
		want         Outcome
	}{{user, "wrong", Refused}, {"assay-nobody", realSecret, Refused}, {user, realSecret, Accepted}, {user, "wrong", Refused}} {
		if a := client.Try(t.Context(), dialer, at, try.user, try.secret); a.Outcome != try.want {
			t.Errorf("%s/%s: %+v", try.user, try.secret, a)
		}
	}
}

func TestLighttpd(t *testing.T) {
	lab.Need(t)
	for _, how := range []string{"basic", "digest"} {
		at, folder := free(t), t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "index.html"), []byte("<h1>Camera</h1>"), 0o600); err != nil {
			t.Fatal(err)
		}
		conf := fmt.Sprintf(`server.modules = ("mod_auth", "mod_authn_file")
server.document-root = "%s"
server.bind = "127.0.0.1"
server.port = %d
index-file.names = ("index.html")
auth.backend = "plain"
auth.backend.plain.userfile = "%s"
auth.require = ("/" => ("method" => "%s", "realm" => "cam", "require" => "valid-user"))
`, folder, at.Port(), write(t, "users", "admin:"+realSecret+"\n"), how)
		start(t, at, "lighttpd", "-D", "-f", write(t, "conf", conf))
		attempts(t, "http", how, "admin", at)
	}
}

func TestDropbear(t *testing.T) {
	accounts(t)
	lab.NeedProgram(t, "dropbearkey")
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command(find("dropbearkey"), "-t", "ed25519", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	at := free(t)
	start(t, at, "dropbear", "-F", "-E", "-m", "-r", key, "-p", at.String(), "-P", filepath.Join(t.TempDir(), "pid"))
	attempts(t, "ssh", "protocol", "root", at)
	keysOnly := free(t)
	start(t, keysOnly, "dropbear", "-F", "-E", "-m", "-s", "-r", key, "-p", keysOnly.String(), "-P", filepath.Join(t.TempDir(), "pid"))
	if how, a := (secureShell{}).Ask(t.Context(), dialer, keysOnly); how != "none" || a.Open {
		t.Errorf("with keys alone it asks by %q: %+v", how, a)
	}
}

// inetd hands each connection to a program, as the super-server does.
func inetd(t *testing.T, argv ...string) netip.AddrPort {
	t.Helper()
	lab.NeedProgram(t, argv[0])
	return serve(t, func(c net.Conn) {
		f, err := c.(*net.TCPConn).File()
		if err != nil {
			return
		}
		defer func() { _ = f.Close() }()
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
		defer stop()
		cmd := exec.CommandContext(ctx, find(argv[0]), argv[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = f, f, f
		_ = cmd.Run() // it ends with the connection
	})
}

func TestTelnetd(t *testing.T) {
	accounts(t)
	lab.NeedProgram(t, "busybox")
	prompt := write(t, "login", "#!/bin/sh\nexec busybox login\n")
	if err := os.Chmod(prompt, 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	attempts(t, "telnet", "prompt", "root", inetd(t, "telnetd", "-E", prompt))
	if how, a := (telnet{}).Ask(t.Context(), dialer, inetd(t, "telnetd", "-E", "/bin/sh")); how != "none" || !a.Open {
		t.Errorf("a shell for everybody asks by %q: %+v", how, a)
	}
}

// TestVsftpd: without privileges it knows one account, for which any password is right.
func TestVsftpd(t *testing.T) {
	lab.Need(t)
	at := free(t)
	start(t, at, "vsftpd", write(t, "conf", fmt.Sprintf("listen=YES\nlisten_address=127.0.0.1\nlisten_port=%d\nlocal_enable=NO\nanonymous_enable=YES\n"+
		"background=NO\nrun_as_launching_user=YES\nseccomp_sandbox=NO\nisolate=NO\nisolate_network=NO\nanon_root=%s\n", at.Port(), t.TempDir())))
	client := Clients(nil)["ftp"]
	if how, a := client.Ask(t.Context(), dialer, at); how != "protocol" || a.Open {
		t.Errorf("it asks by %q: %+v", how, a)
	}
	for user, want := range map[string]Outcome{"ftp": Accepted, "root": Refused} {
		if a := client.Try(t.Context(), dialer, at, user, realSecret); a.Outcome != want {
			t.Errorf("%s: %+v", user, a)
		}
	}
}

func TestMosquitto(t *testing.T) {
	lab.Need(t)
	lab.NeedProgram(t, "mosquitto_passwd")
	users := write(t, "users", "")
	if out, err := exec.Command(find("mosquitto_passwd"), "-b", users, "admin", realSecret).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	at := free(t)
	start(t, at, "mosquitto", "-c", write(t, "conf", fmt.Sprintf("user root\nlistener %d 127.0.0.1\nallow_anonymous false\npassword_file %s\n", at.Port(), users)))
	attempts(t, "mqtt", "protocol", "admin", at)
	open := free(t)
	start(t, open, "mosquitto", "-c", write(t, "conf", fmt.Sprintf("user root\nlistener %d 127.0.0.1\nallow_anonymous true\n", open.Port())))
	if how, a := (messages{}).Ask(t.Context(), dialer, open); how != "none" || !a.Open {
		t.Errorf("for everybody it asks by %q: %+v", how, a)
	}
}

func TestSnmpd(t *testing.T) {
	lab.Need(t)
	at := free(t)
	conf := write(t, "conf", "rocommunity public\nagentaddress udp:"+at.String()+"\n")
	start(t, netip.AddrPort{}, "snmpd", "-f", "-Lo", "-C", "-c", conf, "-p", filepath.Join(t.TempDir(), "pid"))
	limit := time.After(10 * time.Second)
	for a := (Answer{}); a.Outcome != Accepted; a = (management{}).Try(t.Context(), dialer, at, "", "public") {
		select {
		case <-limit:
			t.Fatalf("the right community: %+v", a)
		default:
		}
	}
	if a := (management{}).Try(t.Context(), dialer, at, "", "private"); a.Outcome != Silent {
		t.Errorf("a wrong community: %+v", a)
	}
}
