// Package planted holds bugs that can be planted into Trueup to see that the
// simulator finds them: a check that has never failed proves little.
//
// Main types: Bug (one edit of one source file) and Bugs, the list. Main
// functions: Overlay, which writes the edited files for go build -overlay, and
// On, which the edits ask whether their bug is switched on.
//
// The bugs stand here and not in the code they spoil, so that what is read and
// shipped has none; a test checks that each edit still finds its place. On
// exists only with the build tag planted.
//
// It must not import anything of ours.
package planted

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Bug replaces Old, which stands exactly once in File, by New, which does the
// wrong thing when planted.On(Name).
type Bug struct {
	Name  string
	About string
	File  string // below the module's root
	Old   string
	New   string
}

// Switches is the variable of the environment that names the bug that is on from
// the beginning.
const Switches = "TRUEUP_PLANTED_BUG"

// on is what New asks.
func (b Bug) on() string { return fmt.Sprintf("planted.On(%q)", b.Name) }

// Overlay writes every file that bugs are planted in to dir, and next to them
// the description that go build -overlay takes, whose path it returns. root is
// the folder of go.mod.
func Overlay(root, dir string) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	texts := map[string]string{}
	for _, b := range Bugs {
		text, ok := texts[b.File]
		if !ok {
			read, err := os.ReadFile(filepath.Join(root, b.File))
			if err != nil {
				return "", fmt.Errorf("plant %s: %w", b.Name, err)
			}
			if text, err = imported(string(read)); err != nil {
				return "", fmt.Errorf("plant %s: %s: %w", b.Name, b.File, err)
			}
		}
		if n := strings.Count(text, b.Old); n != 1 {
			return "", fmt.Errorf("plant %s: its place is there %d times in %s; mend it in proof/planted", b.Name, n, b.File)
		}
		texts[b.File] = strings.Replace(text, b.Old, strings.ReplaceAll(b.New, "ON", b.on()), 1)
	}
	replace := map[string]string{}
	for file, text := range texts {
		copied := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, file)] = copied
	}
	description, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, description, 0o600)
}

// imported adds the import of this package behind the package clause, so that
// lines keep their numbers.
func imported(text string) (string, error) {
	lines := strings.Split(text, "\n")
	at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "package ") })
	if at < 0 {
		return "", fmt.Errorf("it has no package clause")
	}
	lines[at] += `; import "github.com/trueup-sync/trueup/proof/planted"`
	return strings.Join(lines, "\n"), nil
}
