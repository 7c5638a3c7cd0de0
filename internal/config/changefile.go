package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrFileMoved means that a file holds something else by now than what a change
// of it was made from. Nothing was written.
var ErrFileMoved = errors.New("the file was changed in the meantime")

// ChangeFile gives a file the text after, if it still holds before. Owner, group
// and mode stay. It is written as a whole or not at all, but in place where a
// file beside it cannot take its place as it is: where it is mounted by itself,
// where its folder may not be written, where it belongs to somebody else, and on
// Windows.
//
// Of several trueup commands one changes it at a time. An editor does not know
// of the lock: for that the file is read again as late as can be.
func ChangeFile(path string, before, after []byte) error {
	held, err := os.Open(path) // #nosec G304 -- the configuration that the person who runs this names
	if err != nil {
		return err
	}
	defer held.Close() // the lock goes with it
	if err := lockFile(held); err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	info, err := held.Stat()
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o200 == 0 {
		return fmt.Errorf("%s is read-only", path)
	}
	// The lock is on what was opened, which may have been replaced since.
	unmoved := func() error {
		now, err := os.Stat(path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path) // #nosec G304 -- the same file
		if err != nil {
			return err
		}
		if !os.SameFile(info, now) || !bytes.Equal(text, before) {
			return ErrFileMoved
		}
		return nil
	}
	fresh, err := beside(path, info, after)
	if err != nil {
		return err
	}
	if fresh != "" {
		defer os.Remove(fresh) // it is gone once it has taken the other's place
	}
	if err := unmoved(); err != nil {
		return err
	}
	if fresh != "" && os.Rename(fresh, path) == nil {
		return nil
	}
	return writeInPlace(path, before, after)
}

// beside writes a text into a new file that differs in nothing else, and returns
// its name; "" is that there cannot be one.
func beside(path string, like fs.FileInfo, text []byte) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".trueup-*.yaml")
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("write next to %s: %w", path, err)
	}
	kept := keepOwner(f, like)
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(like.Mode().Perm()), f.Sync(), f.Close())
	if err == nil && kept {
		return f.Name(), nil
	}
	if err != nil {
		err = fmt.Errorf("write next to %s: %w", path, err)
	}
	return "", errors.Join(err, os.Remove(f.Name()))
}

// writeInPlace writes over what a file holds, and back when that fails. It is
// never empty in between: somebody may be reading it.
func writeInPlace(path string, before, after []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0) // #nosec G304 -- the configuration that the person who runs this names
	if err != nil {
		return err
	}
	write := func(text []byte) error {
		if _, err := f.WriteAt(text, 0); err != nil {
			return err
		}
		return errors.Join(f.Truncate(int64(len(text))), f.Sync())
	}
	if err = write(after); err != nil {
		err = errors.Join(err, write(before))
	}
	return errors.Join(err, f.Close())
}
