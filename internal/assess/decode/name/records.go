package name

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"assay/internal/assess/event"
)

// recordLimit is the most records of an answer that are reported.
const recordLimit = 64

// answers reads the answer section of one message.
type answers struct {
	msg   []byte
	names names
	out   []event.Record
}

// read reads count records from off, of which at most recordLimit are kept, and
// returns where the next section begins.
func (a *answers) read(off, count int) (int, error) {
	for range count {
		r, err := readRecord(a.msg, off)
		if err != nil {
			return 0, err
		}
		off = r.end
		if len(a.out) >= recordLimit {
			continue
		}
		if a.out == nil {
			a.out = make([]event.Record, 0, min(count, 8))
		}
		if err := a.add(r); err != nil {
			return 0, err
		}
	}
	return off, nil
}

func (a *answers) add(r record) error {
	owner, _, err := a.names.read(a.msg, r.nameAt)
	if err != nil {
		return err
	}
	rec := event.Record{Name: owner, Type: r.rtype, TTL: r.ttl}
	switch r.rtype {
	case typeA, typeAAAA:
		rec.Addr, err = readAddr(r.data(a.msg), r.rtype)
	case typeSVCB, typeHTTPS:
		return a.addService(r, rec)
	default:
		rec.Target, err = a.target(r)
	}
	if err == nil {
		a.out = append(a.out, rec)
	}
	return err
}

func readAddr(data []byte, rtype uint16) (netip.Addr, error) {
	a, ok := netip.AddrFromSlice(data)
	if !ok || a.Is4() != (rtype == typeA) {
		return netip.Addr{}, errData
	}
	return a, nil
}

// targetAt tells how many bytes of a record's data precede the name in it, and
// whether there is one.
func targetAt(rtype uint16) (int, bool) {
	switch rtype {
	case typeNS, typeCNAME, typePTR, typeDNAME:
		return 0, true
	case typeMX, typeSVCB, typeHTTPS:
		return 2, true
	case typeSRV:
		return 6, true
	default:
		return 0, false
	}
}

func (a *answers) target(r record) (string, error) {
	skip, has := targetAt(r.rtype)
	if !has {
		return "", nil
	}
	name, end, err := a.names.read(a.msg, r.dataAt+skip)
	if err != nil || end > r.end {
		return "", errData
	}
	return name, nil
}

// Keys of service parameters (RFC 9460 section 14.3.2).
const (
	paramIPv4Hint = 4
	paramIPv6Hint = 6
)

// addService adds an SVCB or HTTPS record and one record for each address that
// it hints at (RFC 9460 section 7.3).
func (a *answers) addService(r record, rec event.Record) error {
	name, end, err := readName(a.msg, r.dataAt+2)
	if err != nil || end > r.end {
		return errData
	}
	rec.Target = strings.ToLower(name)
	a.out = append(a.out, rec)
	for params := a.msg[end:r.end]; len(params) > 0; {
		if len(params) < 4 {
			return errData
		}
		key, n := binary.BigEndian.Uint16(params), 4+int(binary.BigEndian.Uint16(params[2:]))
		if n > len(params) {
			return errData
		}
		a.addHints(rec, key, params[4:n])
		params = params[n:]
	}
	return nil
}

func (a *answers) addHints(rec event.Record, key uint16, value []byte) {
	size := 0
	switch key {
	case paramIPv4Hint:
		size = 4
	case paramIPv6Hint:
		size = 16
	}
	for ; size > 0 && len(value) >= size && len(a.out) < recordLimit; value = value[size:] {
		rec.Addr, _ = netip.AddrFromSlice(value[:size])
		a.out = append(a.out, rec)
	}
}
