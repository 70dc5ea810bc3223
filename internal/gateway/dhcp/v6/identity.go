package v6

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/insomniacslk/dhcp/dhcpv6"
)

const identityName = "dhcp6-server.json"

// identity is what must survive a restart: who the server is, and the key from
// which every client's address follows. With it all clients keep their addresses
// though no lease is written down.
type identity struct {
	UUID []byte `json:"uuid"` // of the server's DUID (RFC 6355)
	Key  []byte `json:"key"`
}

// identify reads the identity from the folder, or makes a new one and keeps it
// there. A file that cannot be understood is replaced: clients then get new
// addresses when they renew.
func identify(folder string) (identity, error) {
	if folder == "" {
		return newIdentity(), nil
	}
	path := filepath.Join(folder, identityName)
	var id identity
	text, err := os.ReadFile(path)
	if err == nil && json.Unmarshal(text, &id) == nil && len(id.UUID) == 16 && len(id.Key) == 32 {
		return id, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return id, fmt.Errorf("cannot read the identity of the DHCPv6 server: %w", err)
	}
	id = newIdentity()
	if text, err = json.Marshal(id); err != nil {
		return id, fmt.Errorf("cannot write the identity of the DHCPv6 server: %w", err)
	}
	if err := renameio.WriteFile(path, text, 0o600); err != nil {
		return id, fmt.Errorf("cannot keep the identity of the DHCPv6 server in %s: %w", path, err)
	}
	return id, nil
}

func newIdentity() identity {
	id := identity{UUID: make([]byte, 16), Key: make([]byte, 32)}
	_, _ = rand.Read(id.UUID) // crypto/rand never fails
	_, _ = rand.Read(id.Key)
	id.UUID[6], id.UUID[8] = id.UUID[6]&0x0f|0x40, id.UUID[8]&0x3f|0x80 // version 4
	return id
}

func (id identity) duid() dhcpv6.DUID {
	return &dhcpv6.DUIDUUID{UUID: [16]byte(id.UUID)}
}
