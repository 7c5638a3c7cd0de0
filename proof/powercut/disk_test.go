package powercut

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ncruces/go-sqlite3/vfs"
)

// bench is a disk with one synced file.
type bench struct {
	*testing.T
	*Disk
	file vfs.File
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, Disk: NewDisk(t.TempDir())}
	t.Cleanup(b.Discard)
	b.file = b.open("/wal", vfs.OPEN_WAL|vfs.OPEN_CREATE)
	b.write(0, "old")
	b.sync()
	return b
}

func (b *bench) open(name string, flags vfs.OpenFlag) vfs.File {
	b.Helper()
	f, _, err := b.Open(name, flags)
	if err != nil {
		b.Fatal(err)
	}
	return f
}

func (b *bench) write(at int64, text string) {
	b.Helper()
	if _, err := b.file.WriteAt([]byte(text), at); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) sync() {
	b.Helper()
	if err := b.file.Sync(vfs.SYNC_FULL); err != nil {
		b.Fatal(err)
	}
}

// after are the contents of a file that a mode was seen to leave; "none" is no
// file.
func (b *bench) after(mode Mode, name string) []string {
	b.Helper()
	found := map[string]bool{}
	for seed := range uint64(100) {
		next := b.PowerOn(mode, rand.New(rand.NewPCG(seed, 0)))
		text := "none"
		if n := next.files[name]; n != nil {
			text = string(n.now)
		}
		found[text] = true
		next.Discard()
	}
	var all []string
	for text := range found {
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

func (b *bench) expect(mode Mode, name string, want ...string) {
	b.Helper()
	if got := b.after(mode, name); !slices.Equal(got, want) {
		b.Errorf("the disk %s: %s can hold %q, want %q", mode, name, got, want)
	}
}

func TestUnsyncedWritesAreLostKeptOrReordered(t *testing.T) {
	b := newBench(t)
	b.write(3, "1")
	b.write(4, "2")
	b.expect(Loses, "/wal", "old")
	b.expect(Keeps, "/wal", "old12")
	b.expect(Reorders, "/wal", "old", "old\x002", "old1", "old12")
	b.sync()
	for _, mode := range Modes {
		b.expect(mode, "/wal", "old12")
	}
}

func TestATruncationIsLostAndKeptLikeAWrite(t *testing.T) {
	b := newBench(t)
	if err := b.file.Truncate(1); err != nil {
		t.Fatal(err)
	}
	b.write(1, "k")
	b.expect(Loses, "/wal", "old")
	b.expect(Keeps, "/wal", "ok")
	b.expect(Reorders, "/wal", "o", "ok", "okd", "old")
}

func TestATornWriteEndsAtSectorsAndTouchesNothingElse(t *testing.T) {
	b := newBench(t)
	const before, size = 500, 2000
	old, fresh := bytes.Repeat([]byte("o"), 4000), bytes.Repeat([]byte("n"), size)
	b.write(0, string(old))
	b.sync()
	b.write(before, string(fresh))
	kinds := map[string]bool{}
	for _, text := range b.after(Tears, "/wal") {
		got := []byte(text)
		if !bytes.Equal(got[:before], old[:before]) || !bytes.Equal(got[before+size:], old[before+size:]) {
			t.Fatal("bytes outside the write were changed")
		}
		for from := before; from < before+size; {
			to := min((from/sector+1)*sector, before+size)
			kinds[kind(got[from:to])] = true
			from = to
		}
	}
	for _, want := range []string{"old", "new", "empty", "garbage"} {
		if !kinds[want] {
			t.Errorf("no sector was %s", want)
		}
	}
}

// kind names what a sector holds.
func kind(piece []byte) string {
	for b, name := range map[byte]string{'o': "old", 'n': "new", 0: "empty"} {
		if bytes.Count(piece, []byte{b}) == len(piece) {
			return name
		}
	}
	return "garbage"
}

func TestANameIsDurableOnceItsFolderIsSynced(t *testing.T) {
	b := newBench(t)
	b.file = b.open("/trueup.db", vfs.OPEN_MAIN_DB|vfs.OPEN_CREATE)
	b.write(0, "page")
	b.sync() // of the file, not of its name
	b.expect(Loses, "/trueup.db", "none")
	b.expect(Reorders, "/trueup.db", "none", "page")
	if err := b.Delete("/wal", false); err != nil {
		t.Fatal(err)
	}
	b.expect(Loses, "/wal", "old")
	b.expect(Keeps, "/wal", "none")
	b.file = b.open("/trueup.db-journal", vfs.OPEN_MAIN_JOURNAL|vfs.OPEN_CREATE)
	b.sync() // the first of a journal is of the names as well
	b.expect(Loses, "/trueup.db", "page")
	b.expect(Loses, "/wal", "none")
	if err := b.Delete("/trueup.db-journal", true); err != nil {
		t.Fatal(err)
	}
	b.expect(Loses, "/trueup.db-journal", "none")
}

func TestNothingWorksFromTheCutOn(t *testing.T) {
	b := newBench(t)
	b.CutAt(2)
	b.write(3, "1")
	if _, err := b.file.WriteAt([]byte("2"), 4); !errors.Is(err, errCut) || !b.Off() {
		t.Errorf("the second operation: %v", err)
	}
	_, _, opened := b.Open("/wal", vfs.OPEN_WAL)
	_, read := b.file.ReadAt(make([]byte, 1), 0)
	_, sized := b.file.Size()
	_, looked := b.Access("/wal", vfs.ACCESS_EXISTS)
	for what, err := range map[string]error{"open": opened, "read": read, "size": sized, "access": looked, "sync": b.file.Sync(vfs.SYNC_FULL),
		"truncate": b.file.Truncate(0), "delete": b.Delete("/wal", true)} {
		if !errors.Is(err, errCut) {
			t.Errorf("%s after the cut: %v", what, err)
		}
	}
	b.expect(Keeps, "/wal", "old12") // the operation that was cut may have been done
	b.expect(Loses, "/wal", "old")
}

func TestASyncThatIsCutMakesNothingDurable(t *testing.T) {
	b := newBench(t)
	b.CutAt(2)
	b.write(3, "1")
	if err := b.file.Sync(vfs.SYNC_FULL); !errors.Is(err, errCut) {
		t.Error(err)
	}
	b.expect(Loses, "/wal", "old")
}

func TestALyingDiskForgetsWhatItSaysIsSynced(t *testing.T) {
	b := newBench(t)
	b.Lies = true
	b.write(3, "1")
	b.sync()
	b.expect(Loses, "/wal", "old")
}
