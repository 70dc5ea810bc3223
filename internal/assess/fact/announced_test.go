package fact_test

import (
	"strings"
	"testing"

	"assay/internal/assess/event"
)

// Each announcement shows at most one thing.
func TestAnnouncements(t *testing.T) {
	for name, c := range map[string]struct {
		body event.Announced
		want string
	}{
		"model":                 {event.Announced{Protocol: "mdns", Names: []string{"Camera 3000._http._tcp.local."}, Texts: []string{"path=/", "md=Camera 3000"}}, ""},
		"own address":           {event.Announced{Protocol: "mdns", Names: []string{"cam-021a2b3c4d5e.local."}}, "identifiers"},
		"own address, dashes":   {event.Announced{Protocol: "mdns", Texts: []string{"mac=02-1A-2B-3C-4D-5E"}}, "identifiers"},
		"end of own address":    {event.Announced{Protocol: "mdns", Names: []string{"shelly1-3C4D5E.local."}}, "identifiers"},
		"end of another":        {event.Announced{Protocol: "mdns", Names: []string{"shelly1-AC4DEF.local."}}, ""},
		"in an UPnP name":       {event.Announced{Protocol: "ssdp", Texts: []string{"usn: uuid:2f402f80-da50-11e1-9b23-021a2b3c4d5e"}}, "identifiers"},
		"a serial as UPnP name": {event.Announced{Protocol: "ssdp", Texts: []string{"usn: uuid:Insight-1_0-221542K1200339::upnp:rootdevice"}}, "identifiers"},
		"a UUID as UPnP name":   {event.Announced{Protocol: "ssdp", Texts: []string{"usn: uuid:2f402f80-da50-11e1-9b23-001788abcdef::upnp:rootdevice"}}, ""},
		"number in a name":      {event.Announced{Protocol: "mdns", Names: []string{"TV UN55MU8000._airplay._tcp.local."}}, "serial_like"},
		"a factory host name":   {event.Announced{Protocol: "netbios", Names: []string{"DJP95S0J"}}, "serial_like"},
		"two of a kind":         {event.Announced{Protocol: "mdns", Names: []string{"cam-3C4D5E.local."}, Texts: []string{"sn=A1", "mac=021a2b3c4d5e"}}, "identifiers"},
		"serial number":         {event.Announced{Protocol: "mdns", Texts: []string{"serialNumber=A1"}}, "identifiers"},
		"empty serial number":   {event.Announced{Protocol: "mdns", Texts: []string{"serialNumber="}}, ""},
		"firmware":              {event.Announced{Protocol: "mdns", Texts: []string{"fw_version=7"}}, "versions"},
		"protocol version":      {event.Announced{Protocol: "mdns", Texts: []string{"ver=1.0"}}, ""},
		"version of three":      {event.Announced{Protocol: "mdns", Texts: []string{"version=1.12.3"}}, "versions"},
		"server line":           {event.Announced{Protocol: "ssdp", Texts: []string{"server: Linux/4.9.118 UPnP/1.0 Bridge/1.2"}}, "versions"},
		"server line, bare":     {event.Announced{Protocol: "ssdp", Texts: []string{"server: UPnP/1.0"}}, ""},
		"password":              {event.Announced{Protocol: "mdns", Texts: []string{"password=geheim77"}}, "secrets"},
		"password needed":       {event.Announced{Protocol: "mdns", Texts: []string{"password=false"}}, ""},
		"position":              {event.Announced{Protocol: "mdns", Texts: []string{"lat=52.37403"}}, "secrets"},
		"rounded position":      {event.Announced{Protocol: "mdns", Texts: []string{"lat=52"}}, ""},
		"a person's":            {event.Announced{Protocol: "mdns", Names: []string{"Anna’s Speaker._airplay._tcp.local."}}, "personal_like"},
		"a person's, escaped":   {event.Announced{Protocol: "mdns", Names: []string{`Anna\226\128\153s\032Speaker._airplay._tcp.local.`}}, "personal_like"},
		"no person's":           {event.Announced{Protocol: "mdns", Names: []string{"Living Room._airplay._tcp.local."}}, ""},
		"a question, not told":  {event.Announced{Protocol: "mdns", Query: true, Names: []string{"cam-021a2b3c4d5e.local."}}, "-"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newClearScene()
			s.put(event.Event{Device: sceneDevice, Body: c.body})
			want := map[string]int64{"announced.messages": 1, "announced.identifiers": 0, "announced.versions": 0, "announced.secrets": 0, "announced.personal_like": 0, "announced.serial_like": 0}
			switch c.want {
			case "":
			case "-":
				want["announced.messages"] = 0
			default:
				want["announced."+c.want] = 1
			}
			sheet := s.facts(nil)
			wantInts(t, sheet, want)
			if f, _ := sheet.Get("announced.details"); strings.Contains(strings.Join(f.Value.([]string), " "), "geheim") {
				t.Error("a secret in the details")
			}
		})
	}
}

// What a neighbour announces is not the device's doing.
func TestOthersAnnouncements(t *testing.T) {
	s := newClearScene()
	s.put(event.Event{Device: sceneGuest, Peer: sceneDevice, Body: event.Announced{Protocol: "mdns", Texts: []string{"password=geheim77"}}})
	wantInts(t, s.facts(nil), map[string]int64{"announced.messages": 0, "announced.secrets": 0})
}
