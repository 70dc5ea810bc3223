//go:build linux

package live

import "testing"

// speaker answers SSDP: so many times as long as it was asked, to everybody or to neighbours.
const speaker = `lease; a=$(ip -4 -o addr show dev eth0 | sed -n 's/.*inet \([0-9.]*\).*/\1/p')
cat >/run/speak.py <<'CODE'
import ipaddress, socket, sys
size, near = int(sys.argv[2]), sys.argv[3] == "near"
home = ipaddress.ip_network(sys.argv[1] + "/24", strict=False)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 1900))
while True:
    b, who = s.recvfrom(2048)
    if not near or ipaddress.ip_address(who[0]) in home:
        s.sendto((b"HTTP/1.1 200 OK\r\nST: ssdp:all\r\n" + b"X" * 4000)[:len(b) * size], who)
CODE
python3 /run/speak.py $a `

// TestAmplifiers: a service that answers everybody at length, one that does so for its
// neighbours alone, and one of few words.
func TestAmplifiers(t *testing.T) {
	t.Parallel()
	for _, c := range []liveCase{
		{name: "at-length-to-everybody", script: speaker + "20 all &" + working, want: map[string]string{"OS-07": "FAIL"}},
		{name: "at-length-to-neighbours", script: speaker + "20 near &" + working, want: map[string]string{"OS-07": "PARTIAL"}},
		{name: "of-few-words", script: speaker + "2 all &" + working, want: map[string]string{"OS-07": "PASS"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.programs = append(c.programs, "busybox", "curl", "python3")
			graded(t, askPlan, c)
		})
	}
}
