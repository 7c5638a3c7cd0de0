package powercut

import (
	"io"
	"slices"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// file is an open file.
type file struct {
	disk      *Disk
	node      *node
	temporary bool
	// syncsNames: the next sync is of the directory as well.
	syncsNames bool
	shm        vfs.SharedMemory
	level      vfs.LockLevel
}

var _ vfs.FileSharedMemory = (*file)(nil)

// SharedMemory implements vfs.FileSharedMemory.
func (f *file) SharedMemory() vfs.SharedMemory { return f.shm }

func (f *file) Close() error {
	if f.shm != nil {
		f.shm.Close()
	}
	return f.Unlock(vfs.LOCK_NONE)
}

func (f *file) ReadAt(into []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.off {
		return 0, errCut
	}
	if at >= int64(len(f.node.now)) {
		return 0, io.EOF
	}
	n := copy(into, f.node.now[at:])
	if n < len(into) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(data []byte, at int64) (int, error) {
	if err := f.change(change{at: at, data: slices.Clone(data)}); err != nil {
		return 0, err
	}
	return len(data), nil
}

func (f *file) Truncate(size int64) error { return f.change(change{at: size, truncate: true}) }

// change changes the file, for now only in memory.
func (f *file) change(c change) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.temporary {
		f.node.now = c.on(f.node.now)
		return nil
	}
	cut, err := f.disk.operation()
	if err != nil {
		return err
	}
	f.node.now = c.on(f.node.now)
	f.node.pending = append(f.node.pending, c)
	return ended(cut)
}

// on returns the content after the change. What a write skips is zero.
func (c change) on(content []byte) []byte {
	size := int(c.at) + len(c.data)
	if size > len(content) {
		content = append(content, make([]byte, size-len(content))...)
	}
	if c.truncate {
		return content[:size:size]
	}
	copy(content[c.at:], c.data)
	return content
}

// Sync makes the file's writes durable.
func (f *file) Sync(vfs.SyncFlag) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.temporary {
		return nil
	}
	cut, err := f.disk.operation()
	if err != nil {
		return err
	}
	if cut {
		return errCut
	}
	if !f.disk.Lies {
		for _, c := range f.node.pending {
			f.node.platter = c.on(f.node.platter)
		}
		f.node.pending = nil
	}
	if f.syncsNames {
		f.syncsNames = false
		return f.disk.syncNames()
	}
	return nil
}

func (f *file) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.off {
		return 0, errCut
	}
	return int64(len(f.node.now)), nil
}

// Lock takes a lock of the kind that a rollback journal needs, and the end of
// a WAL. It never waits: SQLite asks again.
func (f *file) Lock(level vfs.LockLevel) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.level >= level {
		return nil
	}
	n := f.node
	others := n.writer != nil && n.writer != f
	switch level {
	case vfs.LOCK_SHARED:
		if others && n.writer.level >= vfs.LOCK_PENDING {
			return sqlite3.BUSY
		}
		n.shared++
	case vfs.LOCK_RESERVED:
		if others {
			return sqlite3.BUSY
		}
		n.writer = f
	case vfs.LOCK_EXCLUSIVE:
		if others {
			return sqlite3.BUSY
		}
		n.writer = f
		if n.shared > 1 {
			f.level = vfs.LOCK_PENDING // nobody new reads
			return sqlite3.BUSY
		}
	}
	f.level = level
	return nil
}

func (f *file) Unlock(level vfs.LockLevel) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.level <= level {
		return nil
	}
	if f.node.writer == f {
		f.node.writer = nil
	}
	if level == vfs.LOCK_NONE {
		f.node.shared--
	}
	f.level = level
	return nil
}

func (f *file) CheckReservedLock() (bool, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.node.writer != nil, nil
}

func (f *file) SectorSize() int { return 4096 }

func (f *file) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return vfs.IOCAP_POWERSAFE_OVERWRITE | vfs.IOCAP_SUBPAGE_READ
}
