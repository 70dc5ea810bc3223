package event

import (
	"net/netip"
	"time"
)

// The kinds of notes in which the box tells what an experiment did. Their bodies are
// the types of this file as JSON. A note says what was meant; an experiment counts
// only when the packets that belong to it are in the log as well.
const (
	NoteStep      = "step"      // StepNote
	NoteArm       = "arm"       // ArmNote
	NoteFaulted   = "faulted"   // FaultedNote
	NoteIntercept = "intercept" // InterceptNote
	NoteProbe     = "probe"     // ProbeNote
	NoteLookup    = "lookup"    // LookupNote
	NoteConsent   = "consent"   // ConsentNote
)

// Phase says which end of something a note marks.
type Phase string

// The phases. A step or an arm begins once and ends once, with one of the last three.
const (
	Begun   Phase = "begun"
	Ended   Phase = "ended"
	Skipped Phase = "skipped" // by the operator, or because it cannot be done here
	Aborted Phase = "aborted" // by a stop rule; Why says which
)

// StepNote marks one step of a plan.
type StepNote struct {
	Step       int    `json:"step"` // from 1
	Of         int    `json:"of"`
	Network    string `json:"network"`    // "N1" to "N7"
	Experiment string `json:"experiment"` // name in the plan, such as "dnssec-pairs"
	Phase      Phase  `json:"phase"`
	Why        string `json:"why,omitempty"`
	// Fresh is how the device was made to start afresh: "relay", "link", "operator"
	// or "none".
	Fresh string `json:"fresh,omitempty"`
	// Seed gives the random order of the step's arms again.
	Seed uint64 `json:"seed,omitempty"`
}

// The arms of the DNS experiments (ArmNote.Arm, FaultedNote.Arm).
const (
	ArmControl  = "control"  // the genuine answer
	ArmFlipped  = "flipped"  // one bit of the RRSIG over the address records flipped
	ArmDSDenial = "dsdenial" // the signed proof that there is no DS damaged
	ArmStripped = "stripped" // signatures removed though DO was set
	ArmWrongKey = "wrongkey" // signed by a key that is not the zone's
	ArmExpired  = "expired"  // a genuine signature whose time is over
	ArmNXDomain = "nxdomain" // a denial without proof
	ArmServfail = "servfail" // SERVFAIL with EDE 6 (RFC 8914 section 4.7)
	ArmTruncate = "truncate" // TC=1 over UDP
	ArmLarge    = "large"    // an answer over 512 bytes
	ArmChain    = "chain"    // a chain of four CNAMEs
	ArmDrop     = "drop"     // no answer
	ArmStray    = "stray"    // an answer before the genuine one that must be ignored
)

// ArmNote marks one arm of a DNS experiment: from Begun to Ended the answers for
// the names are as the arm says, on every resolver path that is served.
type ArmNote struct {
	Experiment string   `json:"experiment"`
	Pair       int      `json:"pair"` // control and attack of one pair share it, from 1
	Arm        string   `json:"arm"`
	Names      []string `json:"names,omitempty"` // lower case with the final dot; the attacked name and then its aliases
	Phase      Phase    `json:"phase"`
	Why        string   `json:"why,omitempty"`
}

// FaultedNote is one answer that was changed, or given untouched as the control of
// a pair. The packet with the answer follows it in the log.
type FaultedNote struct {
	Pair     int            `json:"pair"`
	Arm      string         `json:"arm"`
	Client   netip.AddrPort `json:"client"`
	Resolver netip.AddrPort `json:"resolver"` // as the device addressed it
	ID       uint16         `json:"id"`       // of the DNS message
	Name     string         `json:"name"`     // lower case with the final dot
	Type     uint16         `json:"type"`
	DO       bool           `json:"do"`
	CD       bool           `json:"cd"`
	// State is what the box's own validation said of the genuine answer:
	// "secure", "insecure", "bogus" or "indeterminate".
	State string `json:"state"`
	// Canary is the address that only an accepted wrong answer leads to.
	Canary netip.Addr `json:"canary,omitzero"`
	// Unchanged says that the answer left as it was although the arm is a fault,
	// because the fault cannot show in it, such as a damaged signature in an answer
	// without signatures. Made says why; or, of a changed answer, in which of several
	// ways it was made.
	Unchanged bool   `json:"unchanged,omitempty"`
	Made      string `json:"made,omitempty"`
}

// The flaws of an interception (InterceptNote.Case).
const (
	CasePass        = "pass"         // spliced through untouched: the control
	CaseSelfSigned  = "self-signed"  //
	CaseUnknownCA   = "unknown-ca"   // a chain of an authority nobody trusts
	CaseReplacedKey = "replaced-key" // the genuine leaf with another key and a signature that does not fit
	CaseWrongName   = "wrong-name"   // the operator's public certificate, issued for another name
	CaseLeafAsCA    = "leaf-as-ca"   // a leaf signed by the operator's leaf
	CaseTLS10       = "tls-1.0"
	CaseTLS11       = "tls-1.1"
	CaseSwallowed   = "swallowed" // the ClientHello gets no answer
)

// The ends of an interception (InterceptNote.Outcome). Accepted means that the
// client's Finished was verified and that at least one byte of application data
// was decrypted that is no alert; a finished handshake alone is Completed.
const (
	InterceptAccepted  = "accepted"
	InterceptCompleted = "completed"
	InterceptRefused   = "refused"   // a fatal alert, or the connection closed before data
	InterceptNoHello   = "no-hello"  // no ServerHello was possible with what the client offers
	InterceptPassed    = "passed"    // of CasePass: the client sent the genuine server application data, and bytes came back
	InterceptSilent    = "silent"    // of CasePass: the genuine server did not answer, or was sent no application data
	InterceptSwallowed = "swallowed" // of CaseSwallowed
	InterceptBroken    = "broken"    // the box could not do it; Why says why
)

// InterceptNote is one TLS connection of the device that the box handled. Client
// and Server are the ends as the device has them, so that the connection is found
// in the log.
type InterceptNote struct {
	// Phase is Begun before the first byte goes to the device, with what is known by
	// then, and Ended when the connection is over.
	Phase   Phase          `json:"phase"`
	Case    string         `json:"case"`
	Client  netip.AddrPort `json:"client"`
	Server  netip.AddrPort `json:"server"`
	Name    string         `json:"name,omitempty"` // SNI
	Attempt int            `json:"attempt"`        // in a row for this destination, port and case, from 1
	Outcome string         `json:"outcome"`
	Why     string         `json:"why,omitempty"`
	Version uint16         `json:"version,omitempty"` // negotiated, as on the wire: 0x0304 is TLS 1.3
	Suite   uint16         `json:"suite,omitempty"`
	KeyType string         `json:"keyType,omitempty"` // "rsa", "ecdsa", "ed25519"
	// Alert is what the client sent: its description and true, or nothing.
	Alert   uint8 `json:"alert,omitempty"`
	Alerted bool  `json:"alerted,omitempty"`
	// AppBytes is how much application data of the client was decrypted.
	AppBytes int `json:"appBytes,omitempty"`
	// ClientCertificate says that the client answered with a certificate of its own.
	ClientCertificate bool `json:"clientCertificate,omitempty"`
	// Leaf is the SHA-256 of the leaf that was presented, lower-case hex.
	Leaf string `json:"leaf,omitempty"`
	// ChainBytes and GenuineBytes are the sizes of the presented and of the genuine
	// chain in DER; zero when not known.
	ChainBytes   int       `json:"chainBytes,omitempty"`
	GenuineBytes int       `json:"genuineBytes,omitempty"`
	Began        time.Time `json:"began"`
}

// The kinds of questions asked of the device itself (ProbeNote.Kind).
const (
	// ProbeOpen is a connection, or a UDP socket, of the box to the device. It is told
	// before the box sends a byte over it, so that what follows on it is known to be
	// the box's doing: Client and Server are its ends as on the wire.
	ProbeOpen = "open"
	// ProbeScan tells that all ports of one address were tried, in Detail: "ports"
	// ("common" or "all"), "rounds", "open" (ports, comma separated), "closed" and
	// "silent" (how many).
	ProbeScan = "scan"
	// ProbeService tells what an open port speaks: Service, and in Detail "banner"
	// (its first printable bytes), "login" (how it asks for a password: "basic",
	// "digest", "form", "prompt", "protocol" or "none"), "tls" ("yes" or "no").
	ProbeService = "service"
	// ProbeTLS is one handshake: in Detail "offer" (what was offered), "version" and
	// "suite" (what was chosen, as on the wire in hexadecimal), "spki" (SHA-256).
	ProbeTLS = "tls"
	// ProbeGet is one harmless request without a password: in Detail "path",
	// "status", "login" as above or "program" (the page is made by one in the page, which
	// may ask), "location" (of a redirection) and "content" (what
	// came: "page", "settings", "media", "shell", "messages", "nothing").
	ProbeGet = "get"
	// ProbeLogin is one factory password that was tried.
	ProbeLogin = "login"
	// ProbeLogins sums up the attempts at one service: Tries, and Outcome says how
	// they ended.
	ProbeLogins = "logins"
	// ProbeLockout is one wrong password for a user that does not exist.
	ProbeLockout = "lockout"
	// ProbeLockouts sums them up: Tries, and in Detail "first" and "last" (how long
	// the answer took, in milliseconds).
	ProbeLockouts = "lockouts"
	// ProbeUDP is one question over UDP: in Detail "asked" and "answered" (bytes of
	// payload, all answers together).
	ProbeUDP = "udp"
)

// The ends of a question to the device (ProbeNote.Outcome).
const (
	ProbeDone     = "done"     // of a scan or of attempts: nothing was left out
	ProbeAnswered = "answered" // the device answered as Detail says
	ProbeAccepted = "accepted" // it let the box in; Why says what showed it
	ProbeRefused  = "refused"  // it said no
	ProbeLocked   = "locked"   // it allows no more attempts
	ProbeSlowed   = "slowed"   // its answers take five times as long as the first
	ProbeUnclear  = "unclear"  // the answer cannot be told from a refusal or a success
	ProbeSilent   = "silent"   // no answer in time
	ProbeFailed   = "failed"   // the connection was refused or broke
	ProbeStopped  = "stopped"  // by a rule of caution, or with the step
)

// ProbeNote is one question asked of the device itself.
type ProbeNote struct {
	Kind    string         `json:"kind"`
	Server  netip.AddrPort `json:"server"`          // of the device; port 0 of a scan
	Client  netip.AddrPort `json:"client,omitzero"` // of the box, as on the wire
	UDP     bool           `json:"udp,omitempty"`
	Service string         `json:"service,omitempty"` // "http", "https", "ssh", "telnet", "ftp", "mqtt", "mqtts", "rtsp", "snmp", ...
	Outcome string         `json:"outcome,omitempty"`
	Why     string         `json:"why,omitempty"`
	Tries   int            `json:"tries,omitempty"` // so far at this service and boot
	// Pair numbers the candidate pair in the list of this run, from 1; User is its
	// account. The secret is never told.
	Pair int    `json:"pair,omitempty"`
	User string `json:"user,omitempty"`
	// Took is how long the answer took, in nanoseconds.
	Took   time.Duration     `json:"took,omitempty"`
	Detail map[string]string `json:"detail,omitempty"`
}

// LookupNote is one question asked about a name or an address that the device used.
// The device was not touched.
type LookupNote struct {
	Kind    string `json:"kind"` // "dnssec", "zone", "aaaa", "rpki", "tls", "caa"
	Subject string `json:"subject"`
	Outcome string `json:"outcome"` // in the words of package lookup
	Why     string `json:"why,omitempty"`
	// Data holds what a kind adds, such as algorithms or the age of the VRP data.
	Data map[string]string `json:"data,omitempty"`
}

// ConsentNote is the written consent to active questions (who, for which device,
// on whose behalf); without one, in the log before it, no ProbeNote of a login
// counts and none is made.
type ConsentNote struct {
	Tester string `json:"tester"`
	Owner  string `json:"owner"` // owner, or the loan agreement
	Model  string `json:"model"`
	Serial string `json:"serial"`
	Date   string `json:"date"` // RFC 3339 full-date
}
