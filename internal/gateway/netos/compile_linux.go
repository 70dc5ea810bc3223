package netos

import (
	"fmt"
	"net/netip"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// reg is the register every condition uses; rules load and compare one thing at a time.
const reg = 1

// Offsets and lengths of header fields, in bytes (RFC 791, 8200, 768, 9293, IEEE 802.3).
const (
	offIPv4Source, offIPv4Dest = 12, 16
	offIPv6Source, offIPv6Dest = 8, 24
	offIPv6HopLimit            = 7
	offDestPort, lenPort       = 2, 2
	offEtherSource, lenEther   = 6, 6
)

// compile gives the kernel's expressions of a rule.
func compile(r Rule) ([]expr.Any, error) {
	var out []expr.Any
	for _, s := range r {
		e := compileMatch(s)
		if e == nil {
			e = compileTracking(s)
		}
		if e == nil {
			e = compileAction(s)
		}
		if e == nil {
			return nil, fmt.Errorf("cannot compile %q: no such statement", s)
		}
		out = append(out, e...)
	}
	return out, nil
}

// compileMatch gives nil for statements that are not conditions on headers.
func compileMatch(s Stmt) []expr.Any {
	switch s := s.(type) {
	case In:
		return linkIs(expr.MetaKeyIIFNAME, s.Link)
	case Out:
		return linkIs(expr.MetaKeyOIFNAME, s.Link)
	case IPVersion:
		return []expr.Any{meta(expr.MetaKeyNFPROTO), equal(nfproto(s.Family))}
	case Protocol:
		return []expr.Any{meta(expr.MetaKeyL4PROTO), equal(byte(s.L4))}
	case ToPort:
		return append(destPort(s.L4), equal(binaryutil.BigEndian.PutUint16(s.Port)...))
	case ToPorts:
		return append(destPort(s.L4), &expr.Lookup{SourceRegister: reg, SetName: s.Set})
	case ICMPType:
		return append(transport(icmpOf(s.Family)), load(expr.PayloadBaseTransportHeader, 0, 1), equal(s.Type))
	case HopLimit:
		return append(version(FamilyIPv6), load(expr.PayloadBaseNetworkHeader, offIPv6HopLimit, 1), equal(s.Value))
	default:
		return compileAddress(s)
	}
}

func compileAddress(s Stmt) []expr.Any {
	switch s := s.(type) {
	case From:
		return network(familyOf(s.Prefix), true, s.Prefix, s.Not)
	case To:
		return network(familyOf(s.Prefix), false, s.Prefix, s.Not)
	case FromSet:
		return append(address(s.Family, true), &expr.Lookup{SourceRegister: reg, SetName: s.Set, Invert: s.Not})
	case ToSet:
		return append(address(s.Family, false), &expr.Lookup{SourceRegister: reg, SetName: s.Set, Invert: s.Not})
	default:
		return nil
	}
}

func compileTracking(s Stmt) []expr.Any {
	switch s := s.(type) {
	case Tracked:
		return tracked(expr.CtKeySTATE, uint32(s.States))
	case Marked:
		return []expr.Any{&expr.Ct{Key: expr.CtKeyMARK, Register: reg}, equal(binaryutil.NativeEndian.PutUint32(s.Value)...)}
	case Mark:
		return []expr.Any{
			&expr.Immediate{Register: reg, Data: binaryutil.NativeEndian.PutUint32(s.Value)},
			&expr.Ct{Key: expr.CtKeyMARK, Register: reg, SourceRegister: true},
		}
	case Redirected:
		return tracked(expr.CtKeySTATUS, ctStatusDNAT)
	case Over:
		return []expr.Any{over(s.Limit)}
	case OverEach:
		return append(etherSource(), &expr.Dynset{
			SrcRegKey: reg, SetName: s.Set, Operation: unix.NFT_DYNSET_OP_UPDATE, Exprs: []expr.Any{over(s.Limit)},
		})
	case Remember:
		return append(address(s.Family, false), &expr.Dynset{SrcRegKey: reg, SetName: s.Set, Operation: unix.NFT_DYNSET_OP_UPDATE})
	case Counted:
		return []expr.Any{&expr.Objref{Type: unix.NFT_OBJECT_COUNTER, Name: s.Counter}}
	default:
		return nil
	}
}

// ctStatusDNAT is IPS_DST_NAT of the kernel's nf_conntrack_common.h.
const ctStatusDNAT = 1 << 5

func compileAction(s Stmt) []expr.Any {
	switch s := s.(type) {
	case Accept:
		return []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}}
	case Drop:
		return []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}}
	case Return:
		return []expr.Any{&expr.Verdict{Kind: expr.VerdictReturn}}
	case Jump:
		return []expr.Any{&expr.Verdict{Kind: expr.VerdictJump, Chain: s.Chain}}
	case Reject:
		return []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: unix.NFT_REJECT_ICMPX_ADMIN_PROHIBITED}}
	case Masquerade:
		return []expr.Any{&expr.Masq{}}
	case Redirect:
		return compileRedirect(s)
	default:
		return nil
	}
}

func compileRedirect(s Redirect) []expr.Any {
	const last = reg + 1
	port := func(in uint32, p uint16) expr.Any {
		return &expr.Immediate{Register: in, Data: binaryutil.BigEndian.PutUint16(p)}
	}
	to := &expr.Redir{RegisterProtoMin: reg, RegisterProtoMax: reg, Flags: unix.NF_NAT_RANGE_PROTO_SPECIFIED}
	if s.Last == 0 {
		return []expr.Any{port(reg, s.Port), to}
	}
	to.RegisterProtoMax = last
	return []expr.Any{port(reg, s.Port), port(last, s.Last), to}
}

func meta(k expr.MetaKey) expr.Any { return &expr.Meta{Key: k, Register: reg} }

func equal(b ...byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: b} }

func load(base expr.PayloadBase, offset, length uint32) expr.Any {
	return &expr.Payload{DestRegister: reg, Base: base, Offset: offset, Len: length}
}

func linkIs(key expr.MetaKey, name string) []expr.Any {
	padded := make([]byte, unix.IFNAMSIZ)
	copy(padded[:unix.IFNAMSIZ-1], name)
	return []expr.Any{meta(key), equal(padded...)}
}

func nfproto(f Family) byte {
	if f == FamilyIPv6 {
		return unix.NFPROTO_IPV6
	}
	return unix.NFPROTO_IPV4
}

func version(f Family) []expr.Any { return []expr.Any{meta(expr.MetaKeyNFPROTO), equal(nfproto(f))} }

func transport(p L4) []expr.Any { return []expr.Any{meta(expr.MetaKeyL4PROTO), equal(byte(p))} }

func icmpOf(f Family) L4 {
	if f == FamilyIPv6 {
		return ICMPv6
	}
	return ICMPv4
}

func destPort(p L4) []expr.Any {
	return append(transport(p), load(expr.PayloadBaseTransportHeader, offDestPort, lenPort))
}

// address loads an address of packets of one version.
func address(f Family, source bool) []expr.Any {
	offset, length := uint32(offIPv4Dest), uint32(4)
	switch {
	case f == FamilyIPv6 && source:
		offset, length = offIPv6Source, 16
	case f == FamilyIPv6:
		offset, length = offIPv6Dest, 16
	case source:
		offset = offIPv4Source
	}
	return append(version(f), load(expr.PayloadBaseNetworkHeader, offset, length))
}

func network(f Family, source bool, p netip.Prefix, invert bool) []expr.Any {
	out := address(f, source)
	if size := p.Addr().BitLen() / 8; !p.IsSingleIP() {
		out = append(out, &expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: uint32(size), Mask: mask(p.Bits(), size), Xor: make([]byte, size)})
	}
	cmp := &expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: p.Masked().Addr().AsSlice()}
	if invert {
		cmp.Op = expr.CmpOpNeq
	}
	return append(out, cmp)
}

func mask(bits, size int) []byte {
	out := make([]byte, size)
	for i := range bits {
		out[i/8] |= 0x80 >> (i % 8)
	}
	return out
}

// tracked matches any of the bits of a connection tracking word.
func tracked(key expr.CtKey, bits uint32) []expr.Any {
	return []expr.Any{
		&expr.Ct{Key: key, Register: reg},
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(bits), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: reg, Data: make([]byte, 4)},
	}
}

// etherSource loads the sender's Ethernet address; only frames of Ethernet have one.
func etherSource() []expr.Any {
	return []expr.Any{
		meta(expr.MetaKeyIIFTYPE), equal(binaryutil.NativeEndian.PutUint16(unix.ARPHRD_ETHER)...),
		load(expr.PayloadBaseLLHeader, offEtherSource, lenEther),
	}
}

func over(l Limit) *expr.Limit {
	unit := expr.LimitTimeSecond
	if l.PerMinute {
		unit = expr.LimitTimeMinute
	}
	return &expr.Limit{Type: expr.LimitTypePkts, Rate: l.Rate, Unit: unit, Burst: l.Burst, Over: true}
}
