package newfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestAFinishedFileGetsItsNameAndReplacesNone(t *testing.T) {
	linking := link
	defer func() { link = linking }()
	for name, making := range map[string]func(from, to string) error{
		"on a disk with hard links":    os.Link,
		"on a disk without hard links": func(from, to string) error { return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EPERM} },
	} {
		t.Run(name, func(t *testing.T) {
			link = making
			dir := t.TempDir()
			unfinished, path := filepath.Join(dir, "copy.unfinished"), filepath.Join(dir, "copy")
			holds := func(file, want string) {
				t.Helper()
				if got, err := os.ReadFile(file); err != nil || string(got) != want {
					t.Errorf("%s holds %q, %v; want %q", filepath.Base(file), got, err, want)
				}
			}
			write := func(text string) {
				t.Helper()
				if err := os.WriteFile(unfinished, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("ours")
			if err := Name(unfinished, path); err != nil {
				t.Fatal(err)
			}
			holds(path, "ours")
			if _, err := os.Stat(unfinished); !errors.Is(err, fs.ErrNotExist) {
				t.Error("it has its other name still:", err)
			}
			write("later")
			if err := Name(unfinished, path); !errors.Is(err, fs.ErrExist) {
				t.Error("a name that is taken:", err)
			}
			holds(path, "ours")
			holds(unfinished, "later") // whoever made it removes it, or names it otherwise
			if err := Name(filepath.Join(dir, "none"), filepath.Join(dir, "other")); err == nil {
				t.Error("a file that is not there gets a name")
			}
			if _, err := os.Stat(filepath.Join(dir, "other")); !errors.Is(err, fs.ErrNotExist) {
				t.Error("what could not be named leaves an empty file:", err)
			}
		})
	}
}
