package config

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// textLimit bounds what an operator writes, in characters.
const textLimit = 200

// scalar hands a value's text to f, whose error is the mistake. A null is left
// alone, so that "lan:" with nothing behind it keeps the default.
func (d *reader) scalar(f func(text string) error) func(*yaml.Node) {
	return func(n *yaml.Node) {
		switch {
		case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		case n.Kind != yaml.ScalarNode:
			d.say(n, "here stands one value, and not %s", kindOf(n))
		default:
			if err := f(n.Value); err != nil {
				d.say(n, "%s", err)
			}
		}
	}
}

// each hands every value of a list to f; a single value counts as a list of one.
func (d *reader) each(reset func(), f func(text string) error) func(*yaml.Node) {
	return func(n *yaml.Node) {
		reset()
		if n.Kind != yaml.SequenceNode {
			d.scalar(f)(n)
			return
		}
		for _, item := range n.Content {
			d.scalar(f)(item)
		}
	}
}

func (d *reader) text(key string, to *string) field {
	return field{key, d.scalar(func(s string) error {
		if err := plainText(key, s); err != nil {
			return err
		}
		*to = s
		return nil
	})}
}

// plainText says what is wrong with a text that an operator wrote; nil for nothing.
func plainText(key, s string) error {
	if len([]rune(s)) > textLimit {
		return fmt.Errorf("%s is longer than %d characters", key, textLimit)
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return fmt.Errorf("%s holds a control character", key)
	}
	return nil
}

// onOff is a setting that is on or off.
func (d *reader) onOff(key string, to *bool) field {
	return field{key, d.scalar(func(s string) error {
		if s != "on" && s != "off" {
			return fmt.Errorf("%s is on or off, and not %q", key, clip(s))
		}
		*to = s == "on"
		return nil
	})}
}

// service says what is wrong with the "host:port" of a service; nil for nothing.
func service(s string) error {
	host, port, err := net.SplitHostPort(s)
	n, numberErr := strconv.ParseUint(port, 10, 16)
	_, addrErr := netip.ParseAddr(host)
	if s != "" && (err != nil || numberErr != nil || n == 0 || addrErr != nil && !isHostName(host)) {
		return fmt.Errorf("%q is no service: write it like 192.0.2.8:323 or validator.example:8282", clip(s))
	}
	return nil
}

// link is the name of a network interface (IFNAMSIZ of Linux: 15 bytes).
func (d *reader) link(key string, to *string) field {
	return field{key, d.scalar(func(s string) error {
		if len(s) > 15 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '/' || r == ':' }) {
			return fmt.Errorf("%q is no name of a network port: 'ip link' lists them", clip(s))
		}
		*to = s
		return nil
	})}
}

func (d *reader) choice(key string, to *string, among ...string) field {
	return field{key, d.scalar(func(s string) error {
		if !slices.Contains(among, s) {
			return fmt.Errorf("%s is one of %s, and not %q", key, strings.Join(among, ", "), clip(s))
		}
		*to = s
		return nil
	})}
}

func (d *reader) duration(key string, to *time.Duration, least, most time.Duration) field {
	return field{key, d.scalar(func(s string) error {
		v, err := time.ParseDuration(s)
		if s == "0" || s == "off" {
			v, err = 0, nil
		}
		if err != nil {
			return fmt.Errorf("%q is no time: write it like 90s, 15m or 2h", clip(s))
		}
		if v < least || v > most {
			return fmt.Errorf("%s lies between %s and %s", key, least, most)
		}
		*to = v
		return nil
	})}
}

func (d *reader) count(key string, to *int, least, most int) field {
	return field{key, d.scalar(func(s string) error {
		v, err := strconv.Atoi(s)
		if err != nil || v < least || v > most {
			return fmt.Errorf("%s is a whole number from %d to %d, and not %q", key, least, most, clip(s))
		}
		*to = v
		return nil
	})}
}

// units of sizes, the longer names first so that none hides another.
var units = []struct {
	name  string
	bytes float64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}}

func (d *reader) size(key string, to *int64) field {
	return field{key, d.scalar(func(s string) error {
		for _, u := range units {
			number, ok := strings.CutSuffix(s, u.name)
			if !ok {
				continue
			}
			v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
			if err != nil || v <= 0 || v*u.bytes > math.MaxInt64/2 {
				break
			}
			*to = int64(v * u.bytes)
			return nil
		}
		return fmt.Errorf("%s is a size like 500MB or 20GB, and not %q", key, clip(s))
	})}
}

// address reads an address with the length of its network.
func address(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no address with a network: write it like 192.168.77.1/24", clip(s))
	}
	return p, nil
}

func plainAddress(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%q is no address: write it like 192.0.2.1 or 2001:db8::1", clip(s))
	}
	return a, nil
}

// The ports of DNS (RFC 1035 section 4.2) and of DNS over TLS (RFC 7858 section 3.1).
const (
	portDNS = 53
	portDoT = 853
)

// upstream reads "address", "address:port" or either with "#name" for TLS.
func upstream(s string) (Upstream, error) {
	where, name, secure := strings.Cut(s, "#")
	port := uint16(portDNS)
	if secure {
		port = portDoT
		if !isHostName(name) {
			return Upstream{}, fmt.Errorf("%q is no name of a server", clip(name))
		}
	}
	if a, err := netip.ParseAddr(where); err == nil && a.Zone() == "" {
		return Upstream{netip.AddrPortFrom(a, port), name}, nil
	}
	ap, err := netip.ParseAddrPort(where)
	if err != nil || ap.Port() == 0 || ap.Addr().Zone() != "" {
		return Upstream{}, fmt.Errorf("%q is no resolver: write it like 9.9.9.9, [2620:fe::fe]:53 or, over TLS, 9.9.9.9#dns.quad9.net", clip(s))
	}
	return Upstream{ap, name}, nil
}

// hostLabel is one label of a host name (RFC 1123 section 2.1).
var hostLabel = regexp.MustCompile(`^[0-9A-Za-z-]{1,63}$`)

func isHostName(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if !hostLabel.MatchString(label) {
			return false
		}
	}
	return true
}
