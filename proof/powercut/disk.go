// Package powercut runs the product's store on a disk that forgets: a SQLite
// VFS in memory that keeps what was synced apart from what was only written,
// and loses, reorders or tears the latter when the power is cut.
//
// Main types: Disk, the disk and the VFS; Mode, what a cut does to unsynced
// writes; Machine, a disk with the store open on it.
//
// Invariants: only a sync makes a file's writes durable, and only a sync of the
// directory its name; a cut ends every operation from the chosen one on; a tear
// stays inside the bytes of its write, as SQLite expects of a disk unless it is
// told otherwise (SQLITE_IOCAP_POWERSAFE_OVERWRITE), and as the product's build
// of SQLite assumes. The memory that SQLite's connections share beside a WAL
// is not on the disk: SQLite makes it anew at every start.
//
// It is a module of its own, below the product's path so that it may import
// the product's internal packages, because a second SQLite must not become a
// dependency of the product.
package powercut

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// errCut is what everything returns once the power is off.
var errCut = errors.New("the power is off")

// Disk is a disk with one folder. It is safe for concurrent use.
type Disk struct {
	// Lies makes every sync return without doing anything.
	Lies bool

	name string // of the VFS
	dir  string // where shared memory is

	mu         sync.Mutex
	files      map[string]*node // the folder as a running machine sees it
	durable    map[string]*node // the names that are on the platter
	names      []naming         // what has changed between the two, in order
	operations int
	cutAt      int
	off        bool
}

// node is a file, whatever its name is.
type node struct {
	now     []byte // as a running machine reads it
	platter []byte
	pending []change // what has changed between the two, in order

	// Locks of the rollback journal's kind.
	shared int
	writer *file // has RESERVED or more
}

// change is a write, or a cut of the file at an offset.
type change struct {
	at       int64
	data     []byte
	truncate bool
}

// naming gives a name to a file, or with nil takes it away.
type naming struct {
	name string
	node *node
}

var disks atomic.Int64

// NewDisk returns an empty disk. Shared memory is kept in dir.
func NewDisk(dir string) *Disk {
	d := &Disk{dir: dir, name: fmt.Sprintf("powercut-%d", disks.Add(1)), files: map[string]*node{}, durable: map[string]*node{}}
	vfs.Register(d.name, d)
	return d
}

// Discard frees the disk.
func (d *Disk) Discard() {
	vfs.Unregister(d.name)
	os.Remove(d.sharedMemory())
}

func (d *Disk) sharedMemory() string { return filepath.Join(d.dir, d.name+"-shm") }

// CutAt cuts the power at the n-th operation from now, which is neither done
// nor undone: it is among the unsynced ones. 0 is never.
func (d *Disk) CutAt(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.operations, d.cutAt = 0, n
}

// Operations is how many changing operations there were since CutAt.
func (d *Disk) Operations() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.operations
}

// Off reports whether the power is off.
func (d *Disk) Off() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.off
}

// operation counts a changing operation. cut says that the power goes off with
// it; err that it was off before.
func (d *Disk) operation() (cut bool, err error) {
	if d.off {
		return false, errCut
	}
	d.operations++
	d.off = d.operations == d.cutAt
	return d.off, nil
}

// ended is the result of an operation.
func ended(cut bool) error {
	if cut {
		return errCut
	}
	return nil
}

// Open implements vfs.VFS.
func (d *Disk) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if name == "" { // a temporary file: no start ever reads it
		return &file{disk: d, node: &node{}, temporary: true}, flags, nil
	}
	if d.off {
		return nil, flags, errCut
	}
	n := d.files[name]
	if n == nil {
		if flags&vfs.OPEN_CREATE == 0 {
			return nil, flags, sqlite3.CANTOPEN
		}
		cut, err := d.operation()
		if err != nil {
			return nil, flags, err
		}
		n = &node{}
		d.rename(name, n)
		if cut {
			return nil, flags, errCut
		}
	}
	f := &file{disk: d, node: n}
	if flags&vfs.OPEN_MAIN_DB != 0 {
		f.shm = vfs.NewSharedMemory(d.sharedMemory(), flags)
	}
	// As SQLite's own VFS for Unix does: the first sync of a journal that may be
	// new syncs the directory as well.
	f.syncsNames = flags&vfs.OPEN_CREATE != 0 && flags&(vfs.OPEN_WAL|vfs.OPEN_MAIN_JOURNAL|vfs.OPEN_SUPER_JOURNAL) != 0
	return f, flags, nil
}

// rename changes the folder, for now only in memory.
func (d *Disk) rename(name string, n *node) {
	if n == nil {
		delete(d.files, name)
	} else {
		d.files[name] = n
	}
	d.names = append(d.names, naming{name, n})
}

// syncNames makes the folder's names durable.
func (d *Disk) syncNames() error {
	cut, err := d.operation()
	if err != nil || cut || d.Lies {
		return errors.Join(err, ended(cut))
	}
	for _, n := range d.names {
		n.in(d.durable)
	}
	d.names = nil
	return nil
}

func (n naming) in(folder map[string]*node) {
	if n.node == nil {
		delete(folder, n.name)
	} else {
		folder[n.name] = n.node
	}
}

// Delete implements vfs.VFS.
func (d *Disk) Delete(name string, syncDir bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return errCut
	}
	if d.files[name] == nil {
		return sqlite3.IOERR_DELETE_NOENT
	}
	cut, err := d.operation()
	if err != nil {
		return err
	}
	d.rename(name, nil)
	if cut {
		return errCut
	}
	if syncDir {
		return d.syncNames()
	}
	return nil
}

// Access implements vfs.VFS.
func (d *Disk) Access(name string, _ vfs.AccessFlag) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return false, errCut
	}
	n := d.files[name]
	return n != nil, nil
}

// FullPathname implements vfs.VFS.
func (d *Disk) FullPathname(name string) (string, error) { return name, nil }
