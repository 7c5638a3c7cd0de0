// Package newfile gives a file that was written under another name its own, so that there
// is never half of one, and none is written over.
//
// Main function: Name. It imports nothing of ours.
package newfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// link is os.Link but for tests.
var link = os.Link

// Name gives a finished file its name, which lasts through a power cut. Where another file
// has that name it returns fs.ErrExist and changes nothing.
func Name(unfinished, path string) error {
	err := link(unfinished, path) // unlike a rename, it refuses a file that is there
	switch {
	case err == nil:
		err = os.Remove(unfinished)
	case !errors.Is(err, fs.ErrExist):
		err = reserve(unfinished, path)
	}
	if err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// reserve names a file on a disk that has no hard links, such as exFAT or a shared folder:
// an empty file holds the name until the finished one replaces it.
func reserve(unfinished, path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 -- the file that the person names
	if err != nil {
		return err
	}
	if err = f.Close(); err == nil {
		err = os.Rename(unfinished, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// SyncFolder makes the names in a folder last through a power cut.
func SyncFolder(path string) error {
	if runtime.GOOS == "windows" { // it syncs no folder, and keeps names in a journal
		return nil
	}
	d, err := os.Open(path) // #nosec G304 -- the folder of a file that the person names
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
