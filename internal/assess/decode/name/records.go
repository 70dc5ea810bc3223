package name

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"assay/internal/assess/event"
)

// recordLimit is the most records of an answer that are reported.
const recordLimit = 64

// readAnswers reads count records from off, of which at most recordLimit are
// kept, and returns where the next section begins.
func readAnswers(msg []byte, off, count int) ([]event.Record, int, error) {
	var out []event.Record
	for range count {
		r, err := readRecord(msg, off)
		if err != nil {
			return nil, 0, err
		}
		off = r.end
		if len(out) >= recordLimit {
			continue
		}
		if out, err = appendRecord(out, msg, r); err != nil {
			return nil, 0, err
		}
	}
	return out[:min(len(out), recordLimit)], off, nil
}

func appendRecord(out []event.Record, msg []byte, r record) ([]event.Record, error) {
	owner, _, err := readName(msg, r.nameAt)
	if err != nil {
		return nil, err
	}
	rec := event.Record{Name: strings.ToLower(owner), Type: r.rtype, TTL: r.ttl}
	switch r.rtype {
	case typeA, typeAAAA:
		rec.Addr, err = readAddr(r.data(msg), r.rtype)
	case typeSVCB, typeHTTPS:
		return appendService(out, msg, r, rec)
	default:
		rec.Target, err = readTarget(msg, r)
	}
	if err != nil {
		return nil, err
	}
	return append(out, rec), nil
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

func readTarget(msg []byte, r record) (string, error) {
	skip, has := targetAt(r.rtype)
	if !has {
		return "", nil
	}
	name, end, err := readName(msg, r.dataAt+skip)
	if err != nil {
		return "", err
	}
	if end > r.end {
		return "", errData
	}
	return strings.ToLower(name), nil
}

// Keys of service parameters (RFC 9460 section 14.3.2).
const (
	paramIPv4Hint = 4
	paramIPv6Hint = 6
)

// appendService adds an SVCB or HTTPS record and one record for each address
// that it hints at (RFC 9460 section 7.3).
func appendService(out []event.Record, msg []byte, r record, rec event.Record) ([]event.Record, error) {
	target, end, err := readName(msg, r.dataAt+2)
	if err != nil || end > r.end {
		return nil, errData
	}
	rec.Target = strings.ToLower(target)
	out = append(out, rec)
	for params := msg[end:r.end]; len(params) > 0; {
		if len(params) < 4 {
			return nil, errData
		}
		key, n := binary.BigEndian.Uint16(params), 4+int(binary.BigEndian.Uint16(params[2:]))
		if n > len(params) {
			return nil, errData
		}
		out = appendHints(out, rec, key, params[4:n])
		params = params[n:]
	}
	return out, nil
}

func appendHints(out []event.Record, rec event.Record, key uint16, value []byte) []event.Record {
	size := map[uint16]int{paramIPv4Hint: 4, paramIPv6Hint: 16}[key]
	for ; size > 0 && len(value) >= size && len(out) < recordLimit; value = value[size:] {
		rec.Addr, _ = netip.AddrFromSlice(value[:size])
		out = append(out, rec)
	}
	return out
}
