package mapchange

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Seen is who saves a change, and what they were shown.
type Seen struct {
	Who string
	// Digest is of the file that the preview was made from.
	Digest string
	// Key makes a repeated request one; "" is none.
	Key string
}

// Save makes the change in the file, and notes who did so with each exception that
// waits for the value. It reports false when that had been done already.
func (f File) Save(ctx context.Context, r Request, by Seen) (c Change, changed bool, err error) {
	m := store.Meaning{Sync: r.Sync, Value: r.Value, Meaning: r.Meaning, Who: by.Who}
	if by.Key != "" {
		m.Key, m.Asked = hashOf(by.Who, "map", by.Key), hashOf(r, by.Digest)
		if answered, err := f.Store.AnsweredAs(ctx, m.Key, m.Asked); err != nil || answered {
			c, _ := f.Preview(ctx, r)
			return c, false, err
		}
	}
	c, err = f.Preview(ctx, r)
	switch {
	case err != nil:
		return c, false, err
	case c.Listed:
		return c, false, nil
	case by.Digest != c.Digest:
		return c, false, f.moved(ctx, c, by.Digest)
	}
	// Listed before, because trueup run may be quick to look at them again.
	if m.Exceptions, err = f.waiting(ctx, r); err != nil {
		return c, false, err
	}
	err = config.ChangeFile(c.path, c.before, c.after)
	if errors.Is(err, config.ErrFileMoved) {
		return c, false, f.moved(ctx, c, by.Digest)
	}
	if err != nil {
		return c, false, f.byHand(err, r)
	}
	if err := f.Store.NoteMeaning(ctx, m); err != nil {
		return c, true, fmt.Errorf("%s was changed, but its exceptions could not record who did it: %w", f.Path, err)
	}
	return c, true, nil
}

// waiting are the open exceptions of a value.
func (f File) waiting(ctx context.Context, r Request) (ids []int64, err error) {
	found, err := f.Store.Exceptions(ctx, store.ExceptionFilter{Sync: r.Sync, Kind: status.UnmappedStatus, Cause: r.Value, States: store.NeedPerson})
	for _, x := range found {
		ids = append(ids, x.ID)
	}
	return ids, err
}

// mostReadings is how many configurations are looked through for the one that a
// person was shown.
const mostReadings = 200

// moved is the refusal of a change to a file that is another by now, with what is
// different as far as that is known: each configuration that was used is kept.
func (f File) moved(ctx context.Context, c Change, seen string) error {
	e := &RefusedError{Why: fmt.Sprintf("%s was changed by someone else in the meantime", f.Path), Hint: "nothing was overwritten; look at the change again"}
	text, err := config.Read(c.path)
	if err != nil {
		return err
	}
	now, err := f.Parse(f.Path, text)
	if err != nil {
		e.Why = fmt.Sprintf("%s was changed by someone else in the meantime, and has faults now", f.Path)
		return e
	}
	readings, err := f.Store.ConfigReadings(ctx, mostReadings)
	if err != nil {
		return err
	}
	for _, r := range readings {
		if r.Digest == seen && !r.Deleted {
			is := store.ConfigReading{Settings: map[string]string{}}
			for _, s := range now.Written {
				is.Settings[s.Path] = s.Text
			}
			e.Changes = contract.SettingChangesOf([]store.ConfigReading{is, r})
			break
		}
	}
	return e
}

// hashOf is a hash of some values: requests are kept by it.
func hashOf(values ...any) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // texts always marshal
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
