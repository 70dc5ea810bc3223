//go:build linux

package journal

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// disk claims room in a file system, without making the file longer
// (fallocate(2), FALLOC_FL_KEEP_SIZE).
type disk struct{ file *os.File }

func diskOf(f File) claimer {
	if file, ok := f.(*os.File); ok {
		return disk{file}
	}
	return nil
}

// Claim succeeds without a promise where the file system gives none.
func (d disk) Claim(size uint64) error {
	raw, err := d.file.SyscallConn()
	if err != nil {
		return fmt.Errorf("cannot claim room on the disk: %w", err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		for {
			failed = unix.Fallocate(int(fd), unix.FALLOC_FL_KEEP_SIZE, 0, int64(size)) //nolint:gosec // a descriptor and a size
			if !errors.Is(failed, unix.EINTR) {
				return
			}
		}
	})
	if errors.Is(failed, unix.EOPNOTSUPP) || errors.Is(failed, unix.ENOSYS) {
		failed = nil
	}
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("cannot claim room on the disk: %w; delete old runs, or lower store.size", err)
	}
	return nil
}

func (d disk) GiveBack(size uint64) error {
	if err := d.file.Truncate(int64(size)); err != nil { //nolint:gosec // a size
		return fmt.Errorf("cannot give back room on the disk: %w", err)
	}
	return nil
}
