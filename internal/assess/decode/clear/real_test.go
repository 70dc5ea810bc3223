package clear

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/assess/event"
)

// realConversations are what real clients and servers said to each other over
// loopback (curl, wget, an MQTT client, vsftpd, telnetd, Python's mail clients), recorded by a
// relay: testdata/real/<name>.turns, ">" for the client, "<" for the server.
func realConversations() []conversation {
	files, _ := filepath.Glob("testdata/real/*.turns")
	var all []conversation
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".turns")
		c := conversation{name: "real-" + name, port: 20001, secrets: []string{"hunter2", "wrongmqtt", "wrongpop"}}
		for line := range strings.Lines(string(raw)) {
			tag, text, _ := strings.Cut(strings.TrimSpace(line), " ")
			data, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				panic(err)
			}
			side := event.FromClient
			if tag == "<" {
				side = event.FromServer
			}
			c.turns = append(c.turns, turn{side, string(data)})
		}
		all = append(all, c)
	}
	return all
}

// TestRealConversationsAreThere keeps the others from testing nothing.
func TestRealConversationsAreThere(t *testing.T) {
	if n := len(realConversations()); n < 23 {
		t.Errorf("%d recorded conversations, want 23", n)
	}
}
