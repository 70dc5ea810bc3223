package secure

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
)

// packetKeys protect the Initial packets of one side (RFC 9001 section 5).
type packetKeys struct {
	aead   cipher.AEAD
	iv     [12]byte
	header cipher.Block
}

// initialKeys are the Initial keys of both sides for one version; the index is
// an event.Side.
type initialKeys struct {
	version uint32
	side    [2]packetKeys
}

// initialSalt is the salt of a version (RFC 9001 section 5.2, RFC 9369 section 3.3.1).
func initialSalt(version uint32) string {
	if version == quicVersion2 {
		return "\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9"
	}
	return "\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a"
}

// deriveInitial makes the keys from the client's Destination Connection ID.
func deriveInitial(version uint32, dcid []byte) initialKeys {
	label := "quic"
	if version == quicVersion2 {
		label = "quicv2"
	}
	secret, err := hkdf.Extract(sha256.New, dcid, []byte(initialSalt(version)))
	if err != nil {
		return initialKeys{version: version}
	}
	return initialKeys{version: version, side: [2]packetKeys{
		derivePacket(expandLabel(secret, "client in", sha256.Size), label),
		derivePacket(expandLabel(secret, "server in", sha256.Size), label),
	}}
}

func derivePacket(secret []byte, label string) packetKeys {
	var k packetKeys
	block, err := aes.NewCipher(expandLabel(secret, label+" key", 16))
	if err != nil {
		return k
	}
	header, err := aes.NewCipher(expandLabel(secret, label+" hp", 16))
	if err != nil {
		return k
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return k
	}
	k.aead, k.header = aead, header
	copy(k.iv[:], expandLabel(secret, label+" iv", 12))
	return k
}

// expandLabel is HKDF-Expand-Label with an empty context (RFC 9846 section 7.1).
func expandLabel(secret []byte, label string, length int) []byte {
	full := "tls13 " + label
	info := binary.BigEndian.AppendUint16(nil, uint16(length))
	info = append(info, byte(len(full)))
	info = append(info, full...)
	info = append(info, 0)
	out, err := hkdf.Expand(sha256.New, secret, string(info), length)
	if err != nil { // only for lengths beyond 255 digests
		return make([]byte, length)
	}
	return out
}

// open removes the protection of a packet (RFC 9001 sections 5.3 and 5.4).
func (k packetKeys) open(p quicPacket, packet []byte) ([]byte, bool) {
	const sampleAt, sampleLen = 4, 16
	if k.aead == nil || p.end > len(packet) || p.end-p.number < sampleAt+sampleLen {
		return nil, false
	}
	var mask [aes.BlockSize]byte
	k.header.Encrypt(mask[:], packet[p.number+sampleAt:p.number+sampleAt+sampleLen])
	first := packet[0] ^ mask[0]&0x0f
	width := int(first&3) + 1
	header := append([]byte(nil), packet[:p.number+width]...)
	header[0] = first
	nonce := k.iv
	for i := range width {
		header[p.number+i] ^= mask[1+i]
		nonce[len(nonce)-width+i] ^= header[p.number+i]
	}
	payload, err := k.aead.Open(nil, nonce[:], packet[p.number+width:p.end], header)
	return payload, err == nil
}
