package bench

import (
	"os"
	"syscall"
)

// syncData waits until the file's content is on the disk, as SQLite does.
func syncData(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) } // #nosec G115 -- a descriptor is small
