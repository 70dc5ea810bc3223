package report

import (
	"time"

	"assay/internal/assess/event"
)

// Schema names the shape of the JSON rendering; schema.json beside this file
// describes it.
const Schema = "assay.report/1"

// Disclaimer is printed on every rendering.
const Disclaimer = "This is a standards test, not a security certification."

// Report is the finished result about one device.
type Report struct {
	Schema       string        `json:"schema"`
	Disclaimer   string        `json:"disclaimer"`
	Device       Device        `json:"dut"`
	Run          Run           `json:"run"`
	Overall      Overall       `json:"overall"`
	Lamps        []Lamp        `json:"lamps"`
	Families     []Family      `json:"families"`
	Ladders      Ladders       `json:"ladders"`
	Findings     []Finding     `json:"findings"`
	Destinations []Destination `json:"destinations"`
	// DestinationsMore counts conversations to destinations beyond the list's bound.
	DestinationsMore int          `json:"destinations_more"`
	NotTested        []NotTested  `json:"not_tested"`
	Lost             uint64       `json:"lost"`
	Evidence         EvidenceFile `json:"evidence_file"`
	Hosts            []Host       `json:"hosts"`
	Packets          []Packet     `json:"packets"`
}

// Device is the device under test as it showed itself. All fields are empty when
// no device was found.
type Device struct {
	// MAC is the EUI-48 in colon form, "" on links without such addresses.
	MAC string `json:"mac"`
	// Vendor is only what the device itself said (a DHCP vendor class), never a
	// guess from its address.
	Vendor    string   `json:"vendor"`
	Name      string   `json:"name"` // the first host name it gave itself
	Addresses []string `json:"addresses"`
	// ChosenBecause says in words why this host was taken for the device.
	ChosenBecause string `json:"chosen_because"`
}

// Run says under which conditions the result came about.
type Run struct {
	// ID derives from the evidence, the device, the rules and the profile, so that
	// the same grading has the same name wherever it is repeated.
	ID           string    `json:"id"`
	Started      time.Time `json:"started,omitzero"` // first frame
	Ended        time.Time `json:"ended,omitzero"`   // last frame
	Plan         string    `json:"plan"`
	Profile      string    `json:"profile"`
	ProfileTitle string    `json:"profile_title"`
	RulesDigest  string    `json:"rules_digest"` // SHA-256, hexadecimal
	AssayVersion string    `json:"assay_version"`
	// Statements are what the operator declared, in order of the keys.
	Statements []Field `json:"statements"`
	// Told is what the operator wrote of the run and of the device.
	Told []Field `json:"told,omitempty"`
}

// Names of what the operator wrote of the device, as in Run.Told, that the head of a
// report tells.
const (
	ToldLabel  = "Device label"
	ToldSerial = "Serial number"
)

// Overall is the answer to the buyer's question.
type Overall struct {
	Verdict string `json:"verdict"` // MEETS THE DEMAND, MEETS WITH REMARKS, DOES NOT MEET, NOT PROVEN
	// Percent is 0 to 100, nil when too little was shown to state it.
	Percent  *int     `json:"percent"`
	Coverage Coverage `json:"coverage"`
	Why      string   `json:"why"`
}

// Coverage says how many of the applicable REQUIRED checks reached a verdict.
type Coverage struct {
	Shown int `json:"shown"`
	Of    int `json:"of"`
}

// Lamp is one of the four headline results.
type Lamp struct {
	Name  string    `json:"name"` // DNSSEC, TLS, IPv6, Credentials
	State LampState `json:"state"`
	Grade string    `json:"grade"` // the worse of the families it stands for
	Word  string    `json:"word"`  // what the state means
	// Families are the codes of the families it stands for.
	Families []string `json:"families"`
}

// LampState is what a lamp shows.
type LampState string

// The states of a lamp.
const (
	LampGood     LampState = "good"     // A or B
	LampRemarks  LampState = "remarks"  // C
	LampBad      LampState = "bad"      // D
	LampCritical LampState = "critical" // F
	LampUnknown  LampState = "unknown"  // not proven
	LampOff      LampState = "off"      // nothing to judge
)

// Family is the grade of one group of checks.
type Family struct {
	Code     string   `json:"code"`
	Name     string   `json:"name"`
	Grade    string   `json:"grade"` // A, B, C, D, F, "?" for not proven, "-" for nothing to judge
	Word     string   `json:"word"`  // what the grade means
	Percent  *int     `json:"percent"`
	Coverage Coverage `json:"coverage"`
	Why      string   `json:"why"`
	KnockOut bool     `json:"knock_out"`
}

// Ladders are the two scales that say how far a device goes.
type Ladders struct {
	DNSSEC Ladder `json:"dnssec"`
	IPv6   Ladder `json:"ipv6"`
}

// Ladder is the step a device reached.
type Ladder struct {
	Level   string `json:"level"` // "D0" to "D3", "I0" to "I5", "" when not shown
	Meaning string `json:"meaning"`
	Missing string `json:"missing"` // what the next step, or an answer, would take
}

// Finding is the verdict of one check.
type Finding struct {
	Check  string `json:"check"`
	Family string `json:"family"`
	Title  string `json:"title"`
	// Fault is what is wrong in a buyer's words; "" unless something is.
	Fault    string `json:"fault"`
	Level    string `json:"level"` // REQUIRED, RECOMMENDED, OPTIONAL
	Verdict  string `json:"verdict"`
	Severity string `json:"severity"`
	Mode     string `json:"mode"`
	Why      string `json:"why"`
	N        int    `json:"n"` // observations it rests on
	Ask      string `json:"ask"`
	Advice   string `json:"advice"`
	Needs    string `json:"needs"`
	Limits   string `json:"limits"`
	// Evidence holds the cited frame numbers, in order; EvidenceSeen counts all
	// events behind the verdict, also those that are not cited one by one.
	Evidence     []event.Ref `json:"evidence"`
	EvidenceSeen int         `json:"evidence_seen"`
	References   []string    `json:"references"`
}

// Headline is the fault where one is shown, else what is demanded. That a demand
// such as "No known password works" failed reads like its opposite.
func (f Finding) Headline() string {
	if f.Fault != "" {
		return f.Fault
	}
	return f.Title
}

// Destination is one far end that the device spoke to.
type Destination struct {
	Name          string    `json:"name"` // as the device asked for or announced it, "" when unknown
	Address       string    `json:"address"`
	Port          uint16    `json:"port"`
	Transport     string    `json:"transport"`
	Protocol      string    `json:"protocol"` // recognised by content, "" when not
	Protection    string    `json:"protection"`
	Local         bool      `json:"local"`
	Conversations int       `json:"conversations"`
	Sent          uint64    `json:"bytes_sent"`     // payload bytes from the device
	Received      uint64    `json:"bytes_received"` // payload bytes to the device
	First         event.Ref `json:"first_frame"`
}

// NotTested is a check without an answer and what an answer would take.
type NotTested struct {
	Check   string `json:"check"`
	Title   string `json:"title"`
	Level   string `json:"level"`
	Verdict string `json:"verdict"` // NOT TESTED, INCONCLUSIVE or UNASSESSED
	Why     string `json:"why"`
	Needs   string `json:"needs"`
}

// EvidenceFile identifies the evidence and says how good it is.
type EvidenceFile struct {
	Name      string `json:"name"`
	SHA256    string `json:"sha256"` // of the whole file, hexadecimal
	Bytes     uint64 `json:"bytes"`
	Frames    uint64 `json:"frames"`
	Cut       uint64 `json:"cut_frames"`
	Unread    uint64 `json:"unread_frames"`
	Malformed uint64 `json:"malformed"`
	Crowded   uint64 `json:"dropped_by_bounds"`
	Truncated bool   `json:"truncated"`
	Note      string `json:"note"` // all of this in words
}

// Host is one host of the captured link.
type Host struct {
	ID        string   `json:"id"`
	Addresses []string `json:"addresses"`
	Names     []string `json:"names"`
	Role      string   `json:"role"` // in words
	Events    int      `json:"events"`
	Graded    bool     `json:"graded"`
}

// Packet is what was read from one cited frame.
type Packet struct {
	Frame  event.Ref `json:"frame"`
	At     time.Time `json:"at"`
	Events []Seen    `json:"events"`
}

// Seen is one observation that a frame completed.
type Seen struct {
	Says     string `json:"says"` // one line in English
	Kind     string `json:"kind"` // the event's type, "dns_asked"
	Protocol string `json:"protocol"`
	// First is the first frame of an observation that several frames make up.
	First event.Ref `json:"first_frame"`
	// Device acted, Peer was the other end; hosts on the captured link.
	Device string `json:"device"`
	Peer   string `json:"peer"`
	// Client and Server are the ends of the conversation, "address:port".
	Client string  `json:"client"`
	Server string  `json:"server"`
	Flow   uint64  `json:"flow"`
	Fields []Field `json:"fields"`
}

// Field is one named value.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
