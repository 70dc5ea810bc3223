package secure

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestAssemblyInAnyOrder: whatever the order and the overlap, what is ready is the
// beginning of the message as far as it came.
func TestAssemblyInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "whole")
		var a assembly
		l := &lot{}
		came := make([]bool, len(whole)+1)
		for range rapid.IntRange(1, 30).Draw(t, "pieces") {
			from := rapid.IntRange(0, len(whole)-1).Draw(t, "from")
			to := rapid.IntRange(from, len(whole)).Draw(t, "to")
			if !a.add(l, from, whole[from:to]) {
				t.Fatal("refused")
			}
			for i := from; i < to; i++ {
				came[i] = true
			}
		}
		n := 0
		for came[n] {
			n++
		}
		if !bytes.Equal(a.ready(), whole[:n]) {
			t.Fatalf("%d bytes are ready, want %d", len(a.ready()), n)
		}
	})
}

// TestAssembliesAreBounded: the oldest make room, and small pieces far apart cost
// no more than their bytes.
func TestAssembliesAreBounded(t *testing.T) {
	l := &lot{}
	all := make([]assembly, 4096)
	for i := range all {
		if !all[i].add(l, 1, make([]byte, 8<<10)) || !all[i].add(l, assemblyLimit-1, []byte{1}) {
			t.Fatal("refused")
		}
	}
	held := 0
	for i := range all {
		if all[i].parcel.gone != (all[i].parcel.pieces == nil) {
			t.Fatal("what is gone still holds bytes")
		}
		for _, p := range all[i].parcel.pieces {
			held += len(p.data)
		}
	}
	if held > lotLimit || held < lotLimit/2 || all[0].add(l, 0, []byte{1}) {
		t.Errorf("%d bytes are held", held)
	}
}
