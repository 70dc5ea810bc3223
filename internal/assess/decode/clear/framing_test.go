package clear

import "testing"

func TestChunkedBody(t *testing.T) {
	b := bodyReader{framing: bodyChunked}
	data := []byte("4;x=y\r\nWiki\r\n6\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nA: b\r\n\r\nHTTP/1.1 200")
	text := ""
	for {
		step := b.next(data)
		text += string(step.payload)
		data = data[step.used:]
		if step.broken || step.used == 0 {
			t.Fatalf("stopped at %q", data)
		}
		if step.done {
			break
		}
	}
	if text != "Wikipedia in \r\n\r\nchunks." || string(data) != "HTTP/1.1 200" || b.total != 24 {
		t.Errorf("payload %q of %d, rest %q", text, b.total, data)
	}
}
