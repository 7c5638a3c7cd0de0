package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func file(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trueup.yaml")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil || string(text) != want {
		t.Errorf("the file holds %q, %v; not %q", text, err, want)
	}
	rest, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".trueup-*"))
	if err != nil || len(rest) > 0 {
		t.Errorf("left over are %v, %v", rest, err)
	}
}

func TestAnEditThatSomebodyMadeMeanwhileIsNotWrittenOver(t *testing.T) {
	path := file(t, "read\n", 0o640)
	if err := os.WriteFile(path, []byte("edited\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := ChangeFile(path, []byte("read\n"), []byte("read\nours\n")); !errors.Is(err, ErrFileMoved) {
		t.Errorf("it was written: %v", err)
	}
	holds(t, path, "edited\n")
}

// Whoever holds the lock may go on to the end before another begins.
func TestASecondChangeWaitsForTheFirst(t *testing.T) {
	path := file(t, "read\n", 0o600)
	first, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if err := syscall.Flock(int(first.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	begun, second := make(chan bool), make(chan error)
	go func() {
		close(begun)
		second <- ChangeFile(path, []byte("read\n"), []byte("read\nsecond\n"))
	}()
	<-begun
	for range 20 { // so that a second one that does not wait has the time to be seen
		if err := first.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := first.WriteAt([]byte("read\nfirst\n"), 0); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(first.Fd()), syscall.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if err := <-second; !errors.Is(err, ErrFileMoved) {
		t.Errorf("the second was written over the first: %v", err)
	}
	holds(t, path, "read\nfirst\n")
}

// Each adds a line to what it has read; whoever was too late reads again.
func TestSeveralChangesAtOnceLoseNone(t *testing.T) {
	path := file(t, "0\n", 0o600)
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for {
				before, err := os.ReadFile(path)
				if err != nil {
					t.Error(err)
					return
				}
				err = ChangeFile(path, before, append(before, fmt.Sprintf("line %d\n", n)...))
				if err == nil {
					return
				}
				if !errors.Is(err, ErrFileMoved) {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 8 {
		if strings.Count(string(text), fmt.Sprintf("line %d\n", n)) != 1 {
			t.Errorf("line %d is not there once:\n%s", n, text)
		}
	}
}

func TestAChangedFileKeepsItsOwnerGroupAndMode(t *testing.T) {
	path := file(t, "old\n", 0o640)
	if os.Getuid() == 0 {
		if err := os.Chown(path, 1234, 2345); err != nil {
			t.Fatal(err)
		}
	}
	before := owner(t, path)
	if err := ChangeFile(path, []byte("old\n"), []byte("old\nnew\n")); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "old\nnew\n")
	if after := owner(t, path); after != before {
		t.Errorf("it was %s and is %s", before, after)
	}
}

func owner(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	s := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%d:%d %o", s.Uid, s.Gid, info.Mode().Perm())
}

// A file that somebody else owns, or that is mounted by itself, is written in
// place; a longer text that was there before leaves nothing.
func TestAFileWrittenInPlaceStaysTheSameFile(t *testing.T) {
	path := file(t, "a longer text that was there\n", 0o660)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeInPlace(path, []byte("a longer text that was there\n"), []byte("short\n")); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "short\n")
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("it is another file; %v", err)
	}
}

func TestAFileThatMayNotBeWrittenIsLeftAlone(t *testing.T) {
	path := file(t, "old\n", 0o400)
	if err := ChangeFile(path, []byte("old\n"), []byte("new\n")); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("it was written: %v", err)
	}
	holds(t, path, "old\n")
}
