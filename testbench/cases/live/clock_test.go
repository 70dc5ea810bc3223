//go:build linux

package live

import "testing"

// clockPlan moves the time, and nothing else.
const clockPlan = `id: clock
title: A later time
steps:
  - {network: N2, experiment: observe, at_most: 5s, fresh: step}
  - {network: N2, experiment: clock, at_most: 3m, fresh: round, window: 8s}
`

// keepsTime asks for the time with ntpdig and believes it: from then on programs run with
// the time that was told (faketime), ntpdig among them, so that its question tells it.
const keepsTime = `lease
ahead() { ntpdig 192.168.77.1 2>/dev/null | sed -n 's/.* \([-+][0-9]*\)\.[0-9]* +\/-.*/\1/p'; }
n=$(ahead); n=${n:-+0}
faketime -f "${n}s" ntpdig 192.168.77.1 >/dev/null 2>&1 || true
echo SCRIPT-DONE
`

// TestCertificatesThatHaveEnded: curl looks at the dates, openssl told not to does not,
// and a device that never takes the time shows nothing.
func TestCertificatesThatHaveEnded(t *testing.T) {
	t.Parallel()
	for _, c := range []liveCase{
		{name: "looks-at-the-dates", script: keepsTime + `while :; do faketime -f "${n}s" curl -4 -s -m 5 https://www.cam.example/ >/dev/null || true; sleep 1; done`,
			want: map[string]string{"TC-05": "PASS"}},
		{name: "ignores-the-dates", script: keepsTime + `ca=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
while :; do a=$(getent ahostsv4 www.cam.example | awk 'NR==1{print $1}')
( printf 'GET / HTTP/1.0\r\nHost: www.cam.example\r\n\r\n'; sleep 1 ) | faketime -f "${n}s" timeout 5 openssl s_client -quiet -no_check_time -verify_return_error -CAfile $ca -servername www.cam.example -connect $a:443 >/dev/null 2>&1 || true; sleep 1; done`,
			want: map[string]string{"TC-05": "FAIL"}},
		{name: "takes-no-time", script: `lease
echo SCRIPT-DONE
while :; do ntpdig 192.168.77.1 >/dev/null 2>&1 || true; curl -4 -s -m 5 https://www.cam.example/ >/dev/null || true; sleep 1; done`,
			want: map[string]string{"TC-05": "INCONCLUSIVE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.programs = append(c.programs, "busybox", "curl", "ntpdig", "faketime", "openssl")
			graded(t, clockPlan, c)
		})
	}
}
