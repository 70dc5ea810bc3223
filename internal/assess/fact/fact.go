// Package fact says what the events show about one device: named values, each
// with the evidence numbers it rests on.
//
// It keeps a bounded state per host and states facts without opinion: no
// threshold of a rule, no verdict, no advice. It must not know packet formats
// (package decode) nor what is good or bad (packages rule and grade).
package fact

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"assay/internal/assess/event"
)

// Type is the type of a fact's value, which is also its type in a rule.
type Type uint8

// The types of facts.
const (
	Bool   Type = iota + 1 // bool
	Int                    // int64
	Double                 // float64
	Text                   // string
	List                   // []string, sorted unless its declaration says otherwise
)

// String is the type's name in rule files and messages.
func (t Type) String() string {
	return [...]string{"?", "bool", "int", "double", "string", "list"}[min(int(t), 5)]
}

// Decl declares one fact: rules are type-checked against it.
type Decl struct {
	Key  string // "family.subject", lower case, for example "dns.queries"
	Type Type
	Doc  string // what it says, with its unit and denominator
}

// Fact is one value with what it rests on.
type Fact struct {
	Key   string
	Value any // bool, int64, float64, string or []string, as Type says
	// Because is the evidence, in order of its number, at most RefLimit events.
	Because []event.Event
	// Seen is how many events it rests on in all.
	Seen int
}

// RefLimit is the most evidence that one fact carries along.
const RefLimit = 24

// Because collects the evidence of a fact: the first RefLimit events and the
// count of all. The zero value is ready for use.
type Because struct {
	events []*event.Event
	seen   int
}

// Add notes one more event, which must stay as it is: all that rests on one event
// shares it.
func (b *Because) Add(ev *event.Event) {
	b.seen++
	if len(b.events) < RefLimit {
		b.events = append(b.events, ev)
	}
}

// See is Add for an event that is being shown; it is kept only while there is room.
func (b *Because) See(ev *sighting) {
	b.seen++
	if len(b.events) < RefLimit {
		b.events = append(b.events, ev.keep())
	}
}

// Seen is how many events were added.
func (b *Because) Seen() int { return b.seen }

// Join adds what another collection holds.
func (b *Because) Join(other Because) {
	b.events = slices.Clip(b.events) // never write into an array that a copy shares
	for _, ev := range other.events {
		if len(b.events) < RefLimit {
			b.events = append(b.events, ev)
		}
	}
	b.seen += other.seen
}

// Sheet is the set of facts known about one device. A fact that is not on the
// sheet is unknown, and unknown is never a pass.
type Sheet struct {
	schema map[string]Decl
	facts  map[string]Fact
}

// NewSheet makes an empty sheet for the facts declared by Schema.
func NewSheet() *Sheet {
	return &Sheet{schema: schemaByKey(), facts: map[string]Fact{}}
}

// NewSheetOf makes an empty sheet for other declared facts.
func NewSheetOf(schema []Decl) *Sheet {
	byKey := make(map[string]Decl, len(schema))
	for _, d := range schema {
		byKey[d.Key] = d
	}
	return &Sheet{schema: byKey, facts: map[string]Fact{}}
}

// Bool states a yes-or-no fact.
func (s *Sheet) Bool(key string, v bool, b Because) { s.put(key, Bool, v, b) }

// Int states a count.
func (s *Sheet) Int(key string, v int, b Because) { s.put(key, Int, int64(v), b) }

// Double states a measure or a share.
func (s *Sheet) Double(key string, v float64, b Because) { s.put(key, Double, v, b) }

// Text states a string; the caller has passed wire strings through event.Clean.
func (s *Sheet) Text(key string, v string, b Because) { s.put(key, Text, v, b) }

// List states a list of strings; nil becomes the empty list.
func (s *Sheet) List(key string, v []string, b Because) {
	s.put(key, List, append([]string{}, v...), b)
}

// put panics on a key that is not declared or of another type: that is an error
// in this package, found by its tests, and never depends on evidence.
func (s *Sheet) put(key string, t Type, v any, b Because) {
	d, ok := s.schema[key]
	if !ok || d.Type != t {
		panic(fmt.Sprintf("fact %q of type %s is not declared so in the schema", key, t))
	}
	inOrder := slices.Clone(b.events)
	slices.SortStableFunc(inOrder, func(a, b *event.Event) int { return cmp.Compare(a.Ref, b.Ref) })
	events := make([]event.Event, 0, len(inOrder))
	for _, ev := range inOrder {
		events = append(events, *ev)
	}
	s.facts[key] = Fact{Key: key, Value: v, Because: events, Seen: b.seen}
}

// Get returns a fact and whether it is known.
func (s *Sheet) Get(key string) (Fact, bool) {
	f, ok := s.facts[key]
	return f, ok
}

// Without returns a copy of the sheet that lacks the given facts.
func (s *Sheet) Without(keys ...string) *Sheet {
	out := &Sheet{schema: s.schema, facts: map[string]Fact{}}
	for k, f := range s.facts {
		out.facts[k] = f
	}
	for _, k := range keys {
		delete(out.facts, k)
	}
	return out
}

// All returns the facts in order of their keys.
func (s *Sheet) All() []Fact {
	out := make([]Fact, 0, len(s.facts))
	for _, f := range s.facts {
		out = append(out, f)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Key < out[j].Key })
	return out
}
