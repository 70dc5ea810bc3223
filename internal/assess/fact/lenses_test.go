package fact

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"assay/internal/assess/event"
)

// allBodies are the kinds of events that some lens looks at, and some that none
// does.
var allBodies = []event.Body{
	event.AddressUsed{}, event.FlowStarted{}, event.FlowEstablished{}, event.FlowEnded{}, event.Malformed{},
	event.ICMPError{}, event.NoteSeen{}, event.FramesLost{}, event.ARPSeen{}, event.RouterSolicited{},
	event.RouterAdvertised{}, event.NeighbourSolicited{}, event.NeighbourAdvertised{}, event.GroupsReported{},
	event.LLDPSeen{}, event.DHCP4{}, event.DHCP6{}, event.DNSAsked{}, event.DNSAnswered{}, event.TimeAsked{},
	event.TimeAnswered{}, event.Announced{}, event.PortMapAsked{}, event.MQTTConnected{}, event.MQTTTopic{},
	event.CoAPSeen{}, event.SNMPSeen{}, event.MediaSeen{}, event.Pinged{}, event.ClientHello{}, event.ServerHello{},
	event.ServerKeyExchange{}, event.Certificates{}, event.CertificateRequested{}, event.PSKIdentity{},
	event.TLSAlert{}, event.TLSKeysChanged{}, event.TLSAppData{}, event.QUICSeen{}, event.HTTPRequest{},
	event.HTTPResponse{}, event.ClockShown{}, event.Login{}, event.LoginAnswered{}, event.ServiceBanner{}, event.Exposed{},
}

// fill sets a value to one of a few small values, so that what belongs together
// meets now and then.
func fill(r *rand.Rand, v reflect.Value) {
	if !v.CanSet() {
		return
	}
	if special := fillSpecial(r, v.Interface()); special != nil {
		v.Set(reflect.ValueOf(special))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(r, v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+r.IntN(2), 2))
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	default:
		fillPlain(r, v)
	}
}

// fillSpecial is a value of a type that is filled as a whole, else nil.
func fillSpecial(r *rand.Rand, of any) any {
	switch of.(type) {
	case netip.Addr:
		return someAddr(r)
	case netip.Prefix:
		return netip.PrefixFrom(someAddr(r), 64)
	case time.Time:
		return testStart
	case event.Side:
		return event.Side(r.IntN(2))
	case event.Secret:
		return event.NewSecret("hunter22")
	default:
		return nil
	}
}

func fillPlain(r *rand.Rand, v reflect.Value) {
	switch {
	case v.Kind() == reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case v.Kind() == reflect.String:
		v.SetString([...]string{"", "dns", "http", "serial=AB123456", "update.example.", "GET", "uimage", string(event.ExposedCanary)}[r.IntN(8)])
	case v.CanInt():
		v.SetInt([...]int64{0, 1, 3, 100, 200, 401}[r.IntN(6)])
	case v.CanUint():
		v.SetUint([...]uint64{0, 1, 1, 3, 28, 255}[r.IntN(6)])
	case v.CanFloat():
		v.SetFloat(r.Float64())
	}
}

func someAddr(r *rand.Rand) netip.Addr {
	return netip.MustParseAddr([...]string{"192.168.1.10", "203.0.113.9", "2001:db8::9", "fe80::9", "::", "239.255.255.250"}[r.IntN(6)])
}

func someEvent(r *rand.Rand, ref int) event.Event {
	body := reflect.New(reflect.TypeOf(allBodies[r.IntN(len(allBodies))])).Elem()
	fill(r, body)
	ev := flowTo(event.Ref(ref), "203.0.113.9:443")
	ev.Flow = event.FlowID(1 + r.IntN(4))
	ev.Client = netip.AddrPortFrom(someAddr(r), 40000)
	ev.Server = netip.AddrPortFrom(someAddr(r), 443)
	ev.Body = body.Interface().(event.Body)
	return ev
}

// What a lens does not want must mean nothing to it: two observers, of which one
// shows everything to every lens, come to know the same.
func TestLensesWantAllThatTheyLookAt(t *testing.T) {
	everyone := newAudience()
	for _, b := range allBodies {
		var all [roles][]int
		for role := range all {
			for i := range newLenses() {
				all[role] = append(all[role], i)
			}
		}
		everyone[reflect.TypeOf(b)] = &all
	}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		chosen, shown := NewObserver(), NewObserver()
		shown.audience = everyone
		for i := range 600 {
			ev := someEvent(r, i+1)
			chosen.Add(ev)
			shown.Add(ev)
		}
		for _, host := range []event.HostID{testDevice, testRouter} {
			for i, l := range chosen.hosts[host].lenses {
				if other := shown.hosts[host].lenses[i]; !reflect.DeepEqual(l, other) {
					t.Fatalf("seed %d, host %s: %T looks at events that its wants() does not name", seed, host, l)
				}
			}
		}
	}
}
