//go:build !linux

package nat64

import "os"

// openTUN says that there is none.
func openTUN(string) (*os.File, error) { return nil, ErrUnavailable }
