// Package mapchange gives a value of a source a meaning: it shows what the file
// would be like and what that would do to whom, and edits trueup.yaml in place.
// The command, the API and the pages do it in the same way.
//
// It changes a sync's mode in the same way.
//
// Main types: File, Request and Change. Main functions: File.Preview, File.Save and Effect,
// and File.PreviewMode and File.SaveMode.
//
// Invariants: a file that is not as the person was shown it is not written; a file
// that would be invalid is not written; a repeated request changes nothing; who gave
// the meaning is noted with each exception that waited for it.
//
// It may import internal/config, contract, overview, reason, status and store, and no connector.
package mapchange

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Ignore is the meaning of a value that is carried nowhere.
const Ignore = "ignore"

// File is the configuration's file and where it is used.
type File struct {
	Path  string
	Parse func(path string, text []byte) (*config.Config, error)
	Store *store.DB
}

// Request is which value is to mean what.
type Request struct{ Sync, Value, Meaning string }

// Change is an edit of the file that was not made yet.
type Change struct {
	contract.MapChange
	path          string // behind links
	before, after []byte
}

// RefusedError is a change that cannot be made. Nothing was written.
type RefusedError struct {
	Why, Hint string
	// Lines are what to write by hand, where a program cannot.
	Lines string
	// Changes are what is different in the file than the person was shown.
	Changes []contract.SettingChange
	// Known is set when the request itself is wrong: there is no such sync or status.
	Unknown bool
}

func (e *RefusedError) Error() string { return e.Why }

// Preview returns the change and what it would do. The text of the file is read now.
func (f File) Preview(ctx context.Context, r Request) (Change, error) {
	c, cfg, err := f.edit(r)
	if err != nil {
		return c, err
	}
	waiting, err := f.Store.WaitingFor(ctx, r.Sync, r.Value)
	c.Effect = Effect(cfg.Syncs[r.Sync], r, waiting)
	return c, err
}

// open reads the file as it is now, if it can be edited. path is where it is behind
// links, as far as that is known.
func (f File) open() (path string, text []byte, cfg *config.Config, err error) {
	path, err = filepath.EvalSymlinks(f.Path)
	if err != nil {
		return f.Path, nil, nil, fmt.Errorf("find %s: %w", f.Path, err)
	}
	if text, err = os.ReadFile(path); err != nil { // #nosec G304 -- the configuration in use
		return path, nil, nil, fmt.Errorf("read the configuration: %w", err)
	}
	if cfg, err = f.Parse(f.Path, text); err != nil {
		return path, text, nil, &RefusedError{Why: fmt.Sprintf("%s has faults, so it is not edited: %v", f.Path, err), Hint: "correct the file first"}
	}
	return path, text, cfg, nil
}

// edit makes the change to the text of the file, and returns the file as it is.
func (f File) edit(r Request) (Change, *config.Config, error) {
	c := Change{MapChange: contract.MapChange{Sync: r.Sync, Value: r.Value, Meaning: r.Meaning, File: f.Path, Lines: []contract.FileLine{}}}
	path, text, cfg, err := f.open()
	c.path, c.File, c.before, c.after = path, path, text, text
	if err != nil {
		return c, nil, err
	}
	c.Digest = cfg.Hash
	if err := known(cfg, r); err != nil {
		return c, cfg, err
	}
	s := cfg.Syncs[r.Sync]
	to := status.Status(r.Meaning)
	if r.Meaning == Ignore {
		to = ""
	} else {
		c.To = s.Statuses[to].To
	}
	if c.Listed = Lists(s, r); c.Listed {
		return c, cfg, nil
	}
	c.after, err = config.AddSourceValue(c.before, r.Sync, to, r.Value)
	if errors.Is(err, config.ErrByHand) {
		return c, cfg, f.byHand(fmt.Errorf("%s: %w", c.path, err), r)
	}
	if err != nil {
		return c, cfg, err
	}
	fresh, err := f.Parse(f.Path, c.after)
	if err != nil {
		return c, cfg, &RefusedError{Why: fmt.Sprintf("adding %q under %s would make the file invalid: %v", r.Value, r.Meaning, err),
			Hint: "nothing was changed; if the value is already listed, trueup run syncs its customers automatically"}
	}
	c.Lines = lines(string(c.before), string(c.after), cfg, fresh)
	return c, cfg, nil
}

// Lists reports whether a sync gives the value that meaning already.
func Lists(s config.Sync, r Request) bool {
	if r.Meaning == Ignore {
		return slices.Contains(s.Ignore, r.Value)
	}
	return slices.Contains(s.Statuses[status.Status(r.Meaning)].From, r.Value)
}

// known refuses a sync, a value or a status that is none.
func known(cfg *config.Config, r Request) error {
	s, ok := cfg.Syncs[r.Sync]
	if !ok {
		return &RefusedError{Unknown: true, Why: fmt.Sprintf("no sync %q in %s", r.Sync, cfg.Path), Hint: "see which syncs the file has"}
	}
	if r.Value == "" {
		return &RefusedError{Unknown: true, Why: "no value given", Hint: "give the source's value as the exception has it"}
	}
	if _, ok := s.Statuses[status.Status(r.Meaning)]; ok || r.Meaning == Ignore {
		return nil
	}
	return &RefusedError{Unknown: true, Why: fmt.Sprintf("%s has no status %q", r.Sync, r.Meaning), Hint: "valid values: " + strings.Join(Meanings(s), ", ")}
}

// Meanings are what a value of a sync can mean.
func Meanings(s config.Sync) []string {
	var all []string
	for name := range s.Statuses {
		all = append(all, string(name))
	}
	slices.Sort(all)
	return append(all, Ignore)
}

// byHand is a refusal that says what to write where the file cannot be written.
func (f File) byHand(err error, r Request) error {
	to := status.Status(r.Meaning)
	if r.Meaning == Ignore {
		to = ""
	}
	return &RefusedError{Why: err.Error(), Hint: "add these lines by hand; trueup run then reads the file automatically", Lines: config.Lines(r.Sync, to, r.Value)}
}
