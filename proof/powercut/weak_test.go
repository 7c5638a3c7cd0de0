package powercut

import (
	"database/sql"
	"errors"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/trueup-sync/trueup/internal/store"
)

// The cuts are worth something when they find what the store must not do: with
// less than synchronous=FULL, or a disk that lies, they take acknowledged calls
// away.
func TestCutsFindAStoreThatDoesNotSync(t *testing.T) {
	for name, weak := range map[string]struct {
		pragma string
		lies   bool
	}{
		"synchronous=NORMAL": {pragma: "pragma synchronous = normal"},
		"synchronous=OFF":    {pragma: "pragma synchronous = off"},
		"a disk that lies":   {lies: true},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := newRecord(t.Context(), t.TempDir(), scripted)
			if err != nil {
				t.Fatal(err)
			}
			defer r.first.Discard()
			r.first.Lies = weak.lies
			var cuts, losses, others atomic.Int64
			const every = 11 // shares no factor with the modes
			each(r.operations/every, func(i int) {
				mode := Modes[i%len(Modes)]
				c, err := r.cut(t.Context(), 1+i*every, weak.pragma)
				if err != nil {
					return // it needs fewer operations than the record
				}
				defer c.left.Discard()
				cuts.Add(1)
				var gone lost
				if err := r.survive(t.Context(), c, mode, false); errors.As(err, &gone) {
					losses.Add(1)
				} else if err != nil {
					others.Add(1)
				}
			})
			if losses.Load() == 0 {
				t.Error("no cut took an acknowledged call away")
			}
			t.Logf("of %d cuts %d took an acknowledged call away and %d did other harm", cuts.Load(), losses.Load(), others.Load())
		})
	}
}

// The store does not start on connections that would not sync.
func TestTheStoreRefusesADriverThatDoesNotSync(t *testing.T) {
	for have, want := range map[string]string{"synchronous(FULL)": "synchronous(NORMAL)", "journal_mode(WAL)": "journal_mode(DELETE)"} {
		d := NewDisk(t.TempDir())
		_, err := store.Open(t.Context(), store.Options{DSN: path, Migrate: true, SQLite: func(dsn string) (*sql.DB, error) {
			return d.pool(strings.Replace(dsn, url.QueryEscape(have), url.QueryEscape(want), 1), nil)
		}})
		if err == nil || !strings.Contains(err.Error(), "could lose what was acknowledged") {
			t.Errorf("with %s: %v", want, err)
		}
		d.Discard()
	}
}
