//go:build unix

package journal

import (
	"io/fs"
	"syscall"
)

// blocks is how much of the disk a file takes, in bytes.
func blocks(info fs.FileInfo) int64 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	return st.Blocks * 512
}
