package scan

import (
	"bytes"

	"assay/internal/assess/event"
)

// farthestParameterSet is how far before its picture parameter set a sequence
// parameter set may begin.
const farthestParameterSet = 300

// findMedia finds images and video that are complete enough only with the bytes
// after the first n.
func findMedia(finds []Found, hay []byte, n int) []Found {
	if at := findJPEG(hay, n); at >= 0 {
		finds = append(finds, media(event.ExposedJPEG, at, at+jpegHead, n))
	}
	if at, end := findVideo(hay, n); at >= 0 {
		finds = append(finds, media(event.ExposedH264, at, end, n))
	}
	return finds
}

// media samples nothing of a picture, so that a conversation tells each kind once.
func media(kind event.ExposedKind, at, end, n int) Found {
	return Found{Kind: kind, Sample: Cut(string(kind)), Off: at - n, end: end - n}
}

// jpegHead is how much of a JPEG file tells that it is one: SOI, the first
// marker, its length and its name.
const jpegHead = 11

// findJPEG finds FF D8 FF E0 .. .. "JFIF" 0 or FF D8 FF E1 .. .. "Exif" 0.
func findJPEG(hay []byte, n int) int {
	for at := max(0, n-jpegHead+1); at+jpegHead <= len(hay); at++ {
		i := bytes.Index(hay[at:], []byte{0xff, 0xd8, 0xff})
		if i < 0 {
			return -1
		}
		at += i
		if at+jpegHead <= len(hay) && isJPEG(hay[at:at+jpegHead]) {
			return at
		}
	}
	return -1
}

func isJPEG(head []byte) bool {
	name := string(head[6:11])
	return head[3] == 0xe0 && name == "JFIF\x00" || head[3] == 0xe1 && name == "Exif\x00"
}

// findVideo finds, in Annex B form, a picture parameter set that follows a
// sequence parameter set at a short distance (ITU-T H.264 and H.265, Annex B).
func findVideo(hay []byte, n int) (begin, end int) {
	const need = 5 // start code and a NAL header of two bytes
	for at := max(0, n-need+1); at+need <= len(hay); at++ {
		i := bytes.Index(hay[at:], []byte{0, 0, 1})
		if i < 0 || at+i+need > len(hay) {
			return -1, -1
		}
		at += i
		if first := sequenceBefore(hay, at); first >= 0 {
			return first, at + need
		}
	}
	return -1, -1
}

// sequenceBefore tells where the sequence parameter set begins that belongs to
// the picture parameter set whose start code is at at; -1 when there is none.
func sequenceBefore(hay []byte, at int) int {
	isSequence := isSequenceH264
	switch {
	case hay[at+3] == 0x44 && hay[at+4] == 0x01:
		isSequence = isSequenceH265
	case hay[at+3]&0x9f != 0x08 || hay[at+3]&0x60 == 0:
		return -1
	}
	from := max(0, at-farthestParameterSet)
	for p := at - 7; p >= from; p-- {
		if hay[p] == 0 && hay[p+1] == 0 && hay[p+2] == 1 && isSequence(hay[p+3:p+6]) {
			return p
		}
	}
	return -1
}

// isSequenceH265 checks NAL type 33, layer 0, temporal id 0.
func isSequenceH265(nal []byte) bool { return nal[0] == 0x42 && nal[1] == 0x01 }

// isSequenceH264 checks NAL type 7 and a profile that exists (H.264 Annex A).
func isSequenceH264(nal []byte) bool {
	if nal[0]&0x9f != 0x07 || nal[0]&0x60 == 0 {
		return false
	}
	switch nal[1] {
	case 66, 77, 88, 100, 110, 122, 244:
		return nal[2]&3 == 0 // reserved_zero_2bits
	}
	return false
}
