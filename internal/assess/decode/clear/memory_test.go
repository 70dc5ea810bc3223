package clear

import (
	"runtime"
	"strings"
	"testing"
)

// TestWaitingRequestsAreSmall: a request that waits for its response must not keep
// the whole of its head.
func TestWaitingRequestsAreSmall(t *testing.T) {
	const talks = 64
	head := "GET /a HTTP/1.1\r\nHost: a.example\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 25) + "\r\n"
	var all [talks]*core
	before := heap()
	for i := range all {
		all[i] = newCore(t, 80)
		for range pipelineLimit {
			all[i].feed(0, []byte(head))
		}
		all[i].events, all[i].bufs = nil, [2][]byte{}
	}
	if kept := int64(heap()) - int64(before); kept > talks*64<<10 {
		t.Errorf("%d bytes are kept for each conversation", kept/talks)
	}
	runtime.KeepAlive(all)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
