package killtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"unsafe"
)

// disk is where a SQLite file lies.
type disk string

const (
	// folder is a folder of this machine.
	folder disk = "folder"
	// small is a file system in memory that can be filled.
	small disk = "small disk"
	// frail is a file system of its own that can be made to fail: ext4 on a
	// loop device.
	frail disk = "frail disk"
)

const (
	// smallSize has room for a round's file and for the log before SQLite copies
	// it back, which is 32 MB: a disk that stays full is not what is tried.
	smallSize = "80m"
	frailSize = 64 << 20
)

// mount makes the disk at an empty folder. The second result takes it away.
func (d disk) mount(at string) (remove func() error, err error) {
	switch d {
	case small:
		err = command("mount", "-t", "tmpfs", "-o", "size="+smallSize, "tmpfs", at)
	case frail:
		if err := os.WriteFile(d.image(at), nil, 0o600); err != nil {
			return nil, err
		}
		if err := os.Truncate(d.image(at), frailSize); err != nil {
			return nil, err
		}
		if err := command("mkfs.ext4", "-q", d.image(at)); err != nil {
			return nil, err
		}
		err = d.again(at)
	default:
		return func() error { return nil }, nil
	}
	return func() error { return command("umount", at) }, err
}

// again mounts a frail disk that was made before.
func (d disk) again(at string) error { return command("mount", "-o", "loop", d.image(at), at) }

func (d disk) image(at string) string { return at + ".img" }

func command(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w: %s", name, args, err, out)
	}
	return nil
}

// fill writes until nothing more fits, and returns how room is made again.
func fill(at string) (free func() error, err error) {
	path := filepath.Join(at, "ballast")
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	block := make([]byte, 4096)
	for {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			return func() error { return os.Remove(path) }, nil
		} else if err != nil {
			return nil, err
		}
	}
}

// shutDown makes every later call on an ext4 file system fail with EIO, and
// leaves what was not synced unwritten, as when a disk dies.
//
// The ioctl is EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH, of
// fs/ext4/ext4.h in the sources of Linux.
func shutDown(at string) error {
	f, err := os.Open(at)
	if err != nil {
		return err
	}
	defer f.Close()
	const shutdown, noLogFlush = 0x8004587d, uint32(2)
	how := noLogFlush
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), shutdown, uintptr(unsafe.Pointer(&how))); errno != 0 {
		return fmt.Errorf("shut %s down: %w", at, errno)
	}
	return nil
}

// limitFiles lets a process write no file beyond a size: the kernel refuses
// what lies behind with EFBIG, which SQLite takes for an I/O error.
func limitFiles(pid int, size uint64) error {
	limit := syscall.Rlimit{Cur: size, Max: ^uint64(0)}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("limit the files of process %d: %w", pid, errno)
	}
	return nil
}

// possible tries a disk out, so that a machine where it cannot be had is told
// before anything has begun.
func (d disk) possible(dir string) error {
	at := filepath.Join(dir, "trial")
	if err := os.Mkdir(at, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	remove, err := d.mount(at)
	if err != nil {
		return fmt.Errorf("a %s needs root and the right to mount: %w", d, err)
	}
	if d == frail {
		err = shutDown(at)
	}
	return errors.Join(err, remove(), os.RemoveAll(at), os.RemoveAll(d.image(at)))
}
