package fleet

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"time"
)

// How often devices do what they do.
const (
	often   = time.Second
	seldom  = 2 * time.Second
	morning = 20 * time.Second // a download of some size
)

// traitsOf are what is true of a device.
func traitsOf(d Device) (traits, error) {
	switch d.Name {
	case GoodCamera:
		return goodCamera()
	case CarelessCamera:
		return carelessCamera(), nil
	case Plug:
		return plug(d), nil
	case Hub:
		return hub(), nil
	}
	return traits{}, fmt.Errorf("nobody has written down what a %s does", d.Name)
}

// goodCamera checks certificates, has both families and keeps its page behind a login.
// It relies on the network's resolver for DNSSEC.
func goodCamera() (traits, error) {
	own, err := carefulPage()
	modern := checked(&tls.Config{MinVersion: tls.VersionTLS13})
	return traits{
		ipv6:  ipv6Private,
		clock: clockTraits{offered: true, name: "time.cam.example"},
		errands: []errand{
			{often, web("https://api.cam.example/api/state", modern, form("motion", "no", "light", "day"))},
			{often, publish("mqtt.cam.example:8883", modern, account{client: "camera"}, "camera/motion", "0")},
			{seldom, web("https://unit-7.dev.cam.example/api/picture", modern, make([]byte, 4<<10))},
			{seldom, web("https://www.cam.example/", modern, nil)},
			{seldom, web("https://update.cam.example/firmware/latest.json", modern, nil)},
		},
		doors: []door{own},
	}, err
}

// The login that each careless camera has when it leaves the factory.
const factoryUser, factoryPassword = "admin", "admin"

// carelessCamera checks nothing. It makes IPv6 addresses and has no use for them.
func carelessCamera() traits {
	anything := &tlsTrait{config: &tls.Config{
		InsecureSkipVerify: true,                                           //nolint:gosec // that is its fault
		MinVersion:         tls.VersionTLS10, MaxVersion: tls.VersionTLS12, //nolint:gosec // so is this
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
			tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
		},
	}}
	return traits{
		dhcp:  dhcpTraits{hostName: "IPCAM", vendorClass: "udhcp 1.12.1"},
		ipv6:  ipv6FromMAC,
		names: nameTraits{builtIn: netip.MustParseAddr("8.8.8.8"), only4: true},
		clock: clockTraits{name: "pool.ntp.org"},
		errands: []errand{
			{often, web("https://api.kettle.things/api/state", anything, form("user", factoryUser, "motion", "no"))},
			{often, publish("mqtt.kettle.things:8883", anything, account{client: "ipcam"}, "ipcam/motion", "0")},
			{seldom, web("https://www.kettle.things/", anything, nil)},
			{seldom, web("https://update.kettle.things/firmware/latest.json", anything, nil)},
		},
		doors: []door{page("80", nil, carelessPage()), telnet("23", "IPCAM", factoryUser, factoryPassword)},
	}
}

// plug knows neither IPv6 nor encryption.
func plug(d Device) traits {
	serial := fmt.Sprintf("%02x%02x%02x", d.MAC[3], d.MAC[4], d.MAC[5])
	owner := account{client: "plug-" + serial, user: "plug-" + serial, password: "7f3a91c2e5"}
	return traits{
		dhcp:  dhcpTraits{hostName: "PLUG-" + serial},
		ipv6:  ipv6Off,
		names: nameTraits{only4: true},
		clock: clockTraits{name: "time.plug.example"},
		errands: []errand{
			{often, publish("mqtt.plug.example:1883", nil, owner, "plug/"+serial+"/power", `{"on":true,"watt":41.7}`)},
			{seldom, web("http://api.plug.example/api/state", nil, form("serial", serial, "watt", "41.7"))},
			{seldom, web("http://www.plug.example/", nil, nil)},
			{seldom, web("http://update.plug.example/firmware/latest.json", nil, nil)},
			{morning, web("http://update.plug.example/firmware/2.4.1.bin", nil, nil)},
		},
	}
}

// strongSuites are those of TLS 1.2 with forward secrecy and authenticated encryption.
func strongSuites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

// hub validates DNSSEC itself and speaks to the clouds of the things around it, each at
// an address of its own.
func hub() traits {
	modern := checked(&tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: strongSuites()})
	return traits{
		ipv6:  ipv6Private,
		names: nameTraits{validates: true},
		clock: clockTraits{offered: true, name: "time.ntp.example"},
		errands: []errand{
			{often, web("https://api.hub.example/api/state", modern, form("things", "3"))},
			{often, publish("www.cam.things:8883", modern, account{client: "hub"}, "hub/things", "3")},
			{seldom, web("https://www.lock.example/api/bolt", modern, form("bolt", "shut"))},
			{seldom, web("https://download.firmware.example/firmware/latest.json", modern, nil)},
			{seldom, web("https://www.example.com/", modern, nil)},
		},
	}
}
