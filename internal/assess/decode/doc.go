// Package decode turns evidence entries into events. It is the only owner of
// packet formats: frames, addresses, fragments, conversations and reassembly
// live here, application protocols in the packages below it (wire is the
// contract between the two).
//
// gopacket is used behind a fence: DecodingLayerParser with a white list, never
// NewPacket, never its application layers, on bytes a device sent. Hostile bytes
// become events; nothing panics and nothing grows without bound. decode must not
// know what an observation is worth.
package decode
