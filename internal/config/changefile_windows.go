package config

import (
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile waits until no other process has the file locked. Closing it ends the lock.
// Windows lets nobody else read or write what is locked, so the lock is on a byte that
// is far behind the end of the file.
func lockFile(f *os.File) error {
	behind := windows.Overlapped{OffsetHigh: 1 << 30}
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, &behind)
}

// keepOwner reports that a new file would not have the access list of the old one, and
// could not take its place while that is open either: the file is written in place.
func keepOwner(*os.File, fs.FileInfo) bool { return false }
