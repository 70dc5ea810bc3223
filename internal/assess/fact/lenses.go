package fact

import (
	"reflect"

	"assay/internal/assess/event"
)

// newLenses makes one of each lens, for one host.
func newLenses() []lens {
	return []lens{
		&captureLens{},
		&dnsLens{},
		&loginLens{},
		&flowLens{},
		&opaqueLens{},
		&exposedLens{},
		&announceLens{},
		&recipientLens{},
		&updateLens{},
		&tlsLens{},
		&forgedLens{},
		&fallbackLens{},
		&foreignLens{},
		&pairLens{},
		&lookupLens{},
		&probeLens{},
		&ipv6Lens{},
		&familyLens{},
		&rdnssLens{},
		&joinLens{},
		&portMapLens{},
		&trafficLens{},
		&mannersLens{},
		&renumberLens{},
		&clockLens{},
		&stayLens{},
		ladderLens{}, // reads what those before it stated, so it is last
	}
}

// recipientsOf is the lens that remembers the names of far ends.
func recipientsOf(lenses []lens) *recipientLens {
	for _, l := range lenses {
		if r, ok := l.(*recipientLens); ok {
			return r
		}
	}
	return &recipientLens{}
}

// audience tells which lenses want to see an event: their places in newLenses, by
// role. Most events are of no interest to most lenses.
type audience map[reflect.Type]*[roles][]int

func newAudience() audience {
	all := audience{}
	for i, l := range newLenses() {
		for role, bodies := range l.wants() {
			for _, b := range bodies {
				all.add(b, Role(role), i)
			}
		}
	}
	return all
}

func (a audience) add(b event.Body, role Role, place int) {
	kind := reflect.TypeOf(b)
	if a[kind] == nil {
		a[kind] = &[roles][]int{}
	}
	a[kind][role] = append(a[kind][role], place)
}

// nobody is the audience of an event that no lens wants.
var nobody [roles][]int

// of is who wants to see an event with that body.
func (a audience) of(b event.Body) *[roles][]int {
	if who := a[reflect.TypeOf(b)]; who != nil {
		return who
	}
	return &nobody
}
