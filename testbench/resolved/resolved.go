//go:build linux

package resolved

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/testbench/lab"
)

// Program is a systemd-resolved that runs on this machine.
type Program struct {
	file      string
	libraries []string // folders of what it needs beside the machine's libraries
}

// Need finds the program: the machine's own, where it is a part of systemd, or the one
// that .ci/resolved unpacked. Without one the test is skipped; with REQUIRE_LAB=1 in
// the environment it fails instead.
func Need(t testing.TB) Program {
	t.Helper()
	for _, p := range []string{"unshare", "mount", "awk"} {
		lab.NeedProgram(t, p)
	}
	unpacked := ""
	if cache, err := os.UserCacheDir(); err == nil {
		unpacked = filepath.Join(cache, "assay-tools", "systemd-resolved")
	}
	if p, ok := find("/", unpacked); ok {
		return p
	}
	const why = "systemd-resolved is missing: run .ci/resolved"
	if os.Getenv("REQUIRE_LAB") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
	return Program{}
}

// find looks below the machine's root and below the folder of the unpacked packages.
func find(machine, unpacked string) (Program, bool) {
	for _, root := range []string{machine, unpacked} {
		for _, usr := range []string{"usr", ""} {
			file := filepath.Join(root, usr, "lib", "systemd", "systemd-resolved")
			info, err := os.Stat(file)
			switch {
			case root == "" || err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
			case root == machine:
				return Program{file: file}, true
			default:
				return Program{file: file, libraries: libraries(unpacked)}, true
			}
		}
	}
	return Program{}, false
}

// libraries are the folders below root that hold shared libraries.
func libraries(root string) []string {
	var out []string
	for _, pattern := range []string{"lib/*", "lib/*/*", "usr/lib/*", "usr/lib/*/*"} {
		files, _ := filepath.Glob(filepath.Join(root, pattern, "*.so*")) // the pattern is sound
		for _, f := range files {
			out = append(out, filepath.Dir(f))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Functions are shell functions for the script of a device that has its addresses and
// the network's resolvers in /etc/resolv.conf:
//
//	resolved yes|allow-downgrade|no   starts it with this setting of DNSSEC=
//	                                  (resolved.conf(5)) and leads the device to it
//	resolved_stop                     ends it
//
// It listens when resolved returns and has asked nothing yet. It trusts the root key in
// the file $ASSAY_ROOT_KEY, and asks what /etc/resolv.conf named before. What it says
// is in /run/resolved.log of the device.
func (p Program) Functions() string {
	return strings.NewReplacer("@PROGRAM@", quote(p.file), "@LIBRARIES@", quote(strings.Join(p.libraries, ":"))).Replace(functions)
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// functions run the program as root of its own user namespace, because the lab may
// have no other user, and change no file of the device but resolv.conf and the log.
const functions = `
RESOLVED_BEGIN=$(cat <<'BEGIN'
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/resolve /run/config /run/dnssec-trust-anchors.d
printf '[Resolve]\nDNS=%s\nFallbackDNS=\nDNSSEC=%s\nDNSOverTLS=no\nLLMNR=no\nMulticastDNS=no\n' "$2" "$1" >/run/config/resolved.conf
awk '$1 !~ /^;/ { for (i = 2; i < NF; i++) if ($i == "DS") { printf ". IN"; for (; i <= NF; i++) printf " %s", $i; print "" } }' "$ASSAY_ROOT_KEY" >/run/dnssec-trust-anchors.d/root.positive
test -s /run/dnssec-trust-anchors.d/root.positive
{ grep -v '^systemd-resolve:' /etc/passwd; echo 'systemd-resolve:x:0:0::/:/usr/sbin/nologin'; } >/run/passwd
mount --bind /run/passwd /etc/passwd
mount --bind /run/config /etc/systemd
exec env SYSTEMD_LOG_TARGET=console SYSTEMD_LOG_LEVEL="${RESOLVED_LOG:-info}" LD_LIBRARY_PATH=@LIBRARIES@ @PROGRAM@
BEGIN
)
resolved() {
  mkdir -p /etc/systemd
  unshare --mount sh -c "$RESOLVED_BEGIN" sh "$1" "$(sed -n 's/^nameserver //p' /etc/resolv.conf | tr '\n' ' ')" >/run/resolved.log 2>&1 &
  resolved_pid=$!
  for i in $(seq 100); do
    if grep -q ':0035 ' /proc/net/udp; then echo 'nameserver 127.0.0.53' >/etc/resolv.conf; return 0; fi
    sleep 0.1
  done
  cat /run/resolved.log; return 1
}
resolved_stop() { kill $resolved_pid; wait $resolved_pid || true; }
`
