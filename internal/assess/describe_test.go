package assess

import "testing"

func TestPlainNameWithoutReverseZones(t *testing.T) {
	const reverse = "1.0.3.5.0.0.e.f.f.f.e.5.0.0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.e.f.ip6.arpa"
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, ""},
		{[]string{reverse}, ""},
		{[]string{reverse, "20.77.168.192.IN-ADDR.ARPA.", "_workstation._tcp.local", "kitchen.local"}, "kitchen.local"},
		{[]string{"kitchen.local", "kitchen"}, "kitchen"},
		{[]string{"_http._tcp.local"}, "_http._tcp.local"},
	} {
		if got := plainName(c.names); got != c.want {
			t.Errorf("%q: %q, want %q", c.names, got, c.want)
		}
	}
}
