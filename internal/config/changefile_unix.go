//go:build unix

package config

import (
	"io/fs"
	"os"
	"syscall"
)

// lockFile waits until no other process has the file locked. Closing it ends the lock.
func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX) // #nosec G115 -- a descriptor is a small number
}

// keepOwner gives a file the owner and group of another, and reports whether it has them.
func keepOwner(f *os.File, like fs.FileInfo) bool {
	owner, ok := like.Sys().(*syscall.Stat_t)
	return ok && f.Chown(int(owner.Uid), int(owner.Gid)) == nil
}
