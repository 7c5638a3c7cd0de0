//go:build linux || darwin

package health

import (
	"fmt"
	"syscall"
)

// freeOf returns the bytes that this user may still write below a folder.
func freeOf(folder string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, fmt.Errorf("read the free space of %s: %w", folder, err)
	}
	return s.Bavail * uint64(s.Bsize), nil // #nosec G115 -- the size of a block is positive
}
