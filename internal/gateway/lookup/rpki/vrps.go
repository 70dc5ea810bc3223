package rpki

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Limits of a set of VRPs. There are about 800,000 in all.
const (
	vrpLimit  = 1 << 23 // entries of a source
	keptLimit = 1 << 14 // VRPs that cover one of the addresses
)

// VRPs are those that cover one of the addresses of an Interest.
type VRPs struct {
	want Interest
	now  time.Time
	List []VRP
	// Made is when the validator made the data; zero when the source does not say.
	Made time.Time
	// Total were read, of which Expired were over and do not count.
	Total, Expired int
}

// NewVRPs begins an empty set for some addresses; what has expired before now is
// left out.
func NewVRPs(want Interest, now time.Time) *VRPs { return &VRPs{want: want, now: now} }

// take keeps a VRP if it concerns one of the addresses.
func (s *VRPs) take(v VRP, expires time.Time) error {
	if s.Total++; s.Total > vrpLimit {
		return fmt.Errorf("there are more than %d entries: this is no set of VRPs", vrpLimit)
	}
	if !expires.IsZero() && expires.Before(s.now) {
		s.Expired++
		return nil
	}
	if !s.want.touches(v.Prefix) {
		return nil
	}
	if len(s.List) >= keptLimit {
		return fmt.Errorf("more than %d entries cover the addresses", keptLimit)
	}
	s.List = append(s.List, v)
	return nil
}

// Read reads one file, JSON or CSV, which is told by its first byte.
func (s *VRPs) Read(r io.Reader) error {
	in, err := unpacked(r)
	if err != nil {
		return err
	}
	text := bufio.NewReader(in)
	first, err := firstByte(text)
	if err != nil {
		return fmt.Errorf("cannot read it: %w", err)
	}
	if first == '{' {
		err = s.readJSON(text)
	} else {
		err = s.readCSV(text)
	}
	if err == nil && s.Total == 0 {
		err = errors.New("there is no VRP in it: a validator that has not finished writes such a file")
	}
	return err
}

// firstByte looks at the first byte that is no white space.
func firstByte(r *bufio.Reader) (byte, error) {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		if !strings.ContainsRune(" \t\r\n\ufeff", rune(b)) {
			return b, r.UnreadByte()
		}
	}
}

// jsonVRP is one entry of "roas". The AS number is 64500, "64500" or "AS64500".
type jsonVRP struct {
	ASN       json.RawMessage `json:"asn"`
	Prefix    string          `json:"prefix"`
	MaxLength *int            `json:"maxLength"`
	Expires   int64           `json:"expires"` // seconds of Unix time; 0: not told
}

// jsonMeta is "metadata" of rpki-client (buildtime) and of Routinator and others.
type jsonMeta struct {
	BuildTime     string `json:"buildtime"`
	GeneratedTime string `json:"generatedTime"`
	Generated     int64  `json:"generated"`
}

func (s *VRPs) readJSON(r io.Reader) error {
	d := json.NewDecoder(r)
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("cannot read the JSON: %w", err)
	}
	found := false
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return fmt.Errorf("cannot read the JSON: %w", err)
		}
		switch key {
		case "metadata":
			err = s.readMeta(d)
		case "roas":
			found, err = true, s.readEntries(d)
		default:
			err = skip(d)
		}
		if err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("cannot read the JSON to its end: %w", err)
	}
	if !found {
		return errors.New(`the JSON has no list "roas"`)
	}
	return nil
}

// skip passes over a value without keeping it.
func skip(d *json.Decoder) error {
	depth := 0
	for {
		t, err := d.Token()
		if err != nil {
			return fmt.Errorf("cannot read the JSON: %w", err)
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth <= 0 {
			return nil
		}
	}
}

func (s *VRPs) readMeta(d *json.Decoder) error {
	var m jsonMeta
	if err := d.Decode(&m); err != nil {
		return fmt.Errorf("cannot read the metadata: %w", err)
	}
	for _, text := range []string{m.BuildTime, m.GeneratedTime} {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			s.Made = at.UTC()
			return nil
		}
	}
	if m.Generated > 0 {
		s.Made = time.Unix(m.Generated, 0).UTC()
	}
	return nil
}

func (s *VRPs) readEntries(d *json.Decoder) error {
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return errors.New(`"roas" is no list`)
	}
	for n := 1; d.More(); n++ {
		var e jsonVRP
		if err := d.Decode(&e); err != nil {
			return fmt.Errorf("cannot read entry %d of roas: %w", n, err)
		}
		v, err := e.vrp()
		if err != nil {
			return fmt.Errorf("cannot use entry %d of roas: %w", n, err)
		}
		var expires time.Time
		if e.Expires > 0 {
			expires = time.Unix(e.Expires, 0)
		}
		if err := s.take(v, expires); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func (e jsonVRP) vrp() (VRP, error) {
	p, err := netip.ParsePrefix(e.Prefix)
	if err != nil {
		return VRP{}, err
	}
	as, ok := parseAS(strings.Trim(string(e.ASN), `"`))
	if !ok {
		return VRP{}, fmt.Errorf("%.20q is no AS number", e.ASN)
	}
	most := p.Bits()
	if e.MaxLength != nil {
		most = *e.MaxLength
	}
	return newVRP(p, most, as)
}

// columns are where a CSV file has what is needed; -1: nowhere.
type columns struct{ as, prefix, most, expires int }

func (s *VRPs) readCSV(r io.Reader) error {
	in := csv.NewReader(r)
	in.ReuseRecord, in.FieldsPerRecord = true, 0
	head, err := in.Read()
	if err != nil {
		return fmt.Errorf("cannot read the first line: %w", err)
	}
	at, err := columnsOf(head)
	if err != nil {
		return err
	}
	for n := 2; ; n++ {
		f, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot read it: %w", err)
		}
		if err := s.record(f, at); err != nil {
			return fmt.Errorf("cannot use line %d: %w", n, err)
		}
	}
}

// columnsOf reads the head of rpki-client's and Routinator's CSV, in whatever order.
func columnsOf(head []string) (columns, error) {
	at := columns{-1, -1, -1, -1}
	for i, name := range head {
		switch strings.ToLower(strings.Trim(name, " \ufeff")) {
		case "asn":
			at.as = i
		case "ip prefix", "prefix":
			at.prefix = i
		case "max length", "maxlength":
			at.most = i
		case "expires", "not after":
			at.expires = i
		}
	}
	if at.as < 0 || at.prefix < 0 || at.most < 0 {
		return at, errors.New("it is neither JSON nor CSV with the columns ASN, IP Prefix and Max Length")
	}
	return at, nil
}

func (s *VRPs) record(f []string, at columns) error {
	p, err := netip.ParsePrefix(f[at.prefix])
	if err != nil {
		return err
	}
	as, ok := parseAS(f[at.as])
	if !ok {
		return fmt.Errorf("%.20q is no AS number", f[at.as])
	}
	most := p.Bits()
	if f[at.most] != "" {
		if most, err = strconv.Atoi(f[at.most]); err != nil {
			return fmt.Errorf("%.20q is no length", f[at.most])
		}
	}
	v, err := newVRP(p, most, as)
	if err != nil {
		return err
	}
	var expires time.Time
	if at.expires >= 0 {
		if expires, err = parseExpiry(f[at.expires]); err != nil {
			return err
		}
	}
	return s.take(v, expires)
}

// parseExpiry reads seconds of Unix time (rpki-client) or RFC 3339, with a blank for
// the T and without a zone as Routinator's csvext has it.
func parseExpiry(text string) (time.Time, error) {
	if text == "" || text == "N/A" {
		return time.Time{}, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(n, 0), nil
	}
	for _, form := range []string{time.RFC3339, time.DateTime} {
		if at, err := time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%.30q is no time", text)
}
