package capture

import (
	"encoding/binary"
	"errors"
	"time"
)

// The layout of a block and of the frames in it, from the kernel's
// include/uapi/linux/if_packet.h: struct tpacket_block_desc with its
// tpacket_hdr_v1, struct tpacket3_hdr, struct sockaddr_ll. Every field has a
// fixed width, so the offsets are the same on every architecture.
const (
	blockStatus  = 8
	blockFrames  = 12
	blockFirst   = 16
	blockHdrSize = 48

	frameNext     = 0
	frameSec      = 4
	frameNsec     = 8
	frameCaptured = 12
	frameLength   = 16
	frameStatus   = 20
	frameMAC      = 24
	frameTCI      = 32
	frameTPID     = 36
	frameHdrSize  = 48
	frameType     = frameHdrSize + 10 // sll_pkttype
	frameEnd      = frameHdrSize + 20 // after the struct sockaddr_ll

	statusUser     = 1 << 0
	statusVLAN     = 1 << 4
	statusTPID     = 1 << 6
	packetOutgoing = 4
	addressesSize  = 12 // destination and source address of an Ethernet frame
	tagSize        = 4
	etherTypeVLAN  = 0x8100
	secondNanos    = 1_000_000_000
	reserveForATag = tagSize
)

var (
	errBlockHead   = errors.New("a block of the ring has no room for its header")
	errFrameBounds = errors.New("a frame reaches over the end of its block")
	errFrameNext   = errors.New("a frame of a block leads nowhere")
	errFrameTag    = errors.New("a frame of a block has no room for its VLAN tag")
)

// parseBlock appends the frames of a block. Their data lies in the block; to put
// a VLAN tag back, bytes of the block are moved. With an error, the frames before
// the damage are returned.
func parseBlock(block []byte, frames []Frame) ([]Frame, error) {
	if len(block) < blockHdrSize {
		return frames, errBlockHead
	}
	count := binary.NativeEndian.Uint32(block[blockFrames:])
	at := uint64(binary.NativeEndian.Uint32(block[blockFirst:]))
	for i := range count {
		if at+frameEnd > uint64(len(block)) {
			return frames, errFrameBounds
		}
		entry := block[at:]
		frame, err := parseFrame(entry)
		if err != nil {
			return frames, err
		}
		frames = append(frames, frame)
		next := binary.NativeEndian.Uint32(entry[frameNext:])
		if next < frameEnd && i+1 < count {
			return frames, errFrameNext
		}
		at += uint64(next)
	}
	return frames, nil
}

// parseFrame reads one frame at the beginning of entry, which is at least
// frameEnd bytes long.
func parseFrame(entry []byte) (Frame, error) {
	status := binary.NativeEndian.Uint32(entry[frameStatus:])
	mac := uint64(binary.NativeEndian.Uint16(entry[frameMAC:]))
	end := mac + uint64(binary.NativeEndian.Uint32(entry[frameCaptured:]))
	if mac < frameEnd || end > uint64(len(entry)) {
		return Frame{}, errFrameBounds
	}
	length := int64(binary.NativeEndian.Uint32(entry[frameLength:]))
	if status&statusVLAN != 0 {
		if mac < frameEnd+tagSize || end-mac < addressesSize {
			return Frame{}, errFrameTag
		}
		mac -= tagSize
		length += tagSize
		putTag(entry[mac:], entry, status)
	}
	sec := int64(binary.NativeEndian.Uint32(entry[frameSec:]))
	nsec := int64(binary.NativeEndian.Uint32(entry[frameNsec:]) % secondNanos)
	return Frame{
		At:       time.Unix(sec, nsec).UTC(),
		Length:   int(max(length, int64(end-mac))),
		Data:     entry[mac:end:end],
		Outgoing: entry[frameType] == packetOutgoing,
	}, nil
}

// putTag moves the two addresses of a frame forward and writes the VLAN tag that
// the kernel took out into the gap (IEEE 802.1Q-2022, 9.3).
func putTag(frame, entry []byte, status uint32) {
	copy(frame[:addressesSize], frame[tagSize:tagSize+addressesSize])
	tpid := uint16(etherTypeVLAN)
	if status&statusTPID != 0 {
		tpid = binary.NativeEndian.Uint16(entry[frameTPID:])
	}
	tci := uint16(binary.NativeEndian.Uint32(entry[frameTCI:]))
	binary.BigEndian.PutUint16(frame[addressesSize:], tpid)
	binary.BigEndian.PutUint16(frame[addressesSize+2:], tci)
}
