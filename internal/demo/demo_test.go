package demo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// rehearse runs the demonstration with the test's own Trueup.
func rehearse(t *testing.T, ctx context.Context, o Options) (out string, f *follower, err error) {
	t.Helper()
	w := newWire()
	n := network{listen: w.listen, client: w.client()}
	var b strings.Builder
	o.Out = &b
	if o.Start == nil {
		o.Start = func(_ context.Context, path, text string) (Service, error) {
			saved, err := os.ReadFile(path)
			if err != nil || string(saved) != text {
				t.Errorf("the saved configuration is not the one given: %v", err)
			}
			f, err = newFollower(text, n)
			return f, err
		}
	}
	err = run(ctx, o, n)
	return b.String(), f, err
}

func TestTheWholeDemonstration(t *testing.T) {
	for _, tt := range []struct {
		length time.Duration
		seed   uint64
	}{{5 * time.Second, 1}, {20 * time.Second, 2}, {20 * time.Second, 3}, {5 * time.Minute, 4}, {Shortest, 5}} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			dir := t.TempDir()
			out, f, err := rehearse(t, t.Context(), Options{For: tt.length, Seed: tt.seed, Dir: dir})
			must(t, err)
			if took := time.Since(start); took != tt.length {
				t.Errorf("took %s, want %s", took, tt.length)
			}
			if !f.stopped {
				t.Error("Trueup was not stopped")
			}
			cast, _ := newScript(tt.seed)
			for _, want := range []string{
				"71.4%: the CRM shows what billing says for 10 of 14 customers;\n                  4 wait for a person, as exceptions\n",
				"Held            " + playing(cast, kept).name,
				"4 exceptions are open",
				"unmatched         " + playing(cast, missing).name,
				"ambiguous_match   " + playing(cast, twofold).name,
				"unmapped_status   " + playing(cast, strange).name,
				"conflict          " + playing(cast, kept).name,
				playing(cast, overtaken).name + ": Paused → Churned, written by Trueup",
				"one for each change that the CRM did not show yet\n",
				"the webhook comes three times",
			} {
				if !strings.Contains(out, want) {
					t.Errorf("seed %d: the output should say %q:\n%s", tt.seed, want, out)
				}
			}
			for _, bad := range []string{"Cut short", "waiting", "lost", "for nothing"} {
				if strings.Contains(out, bad) {
					t.Errorf("seed %d: the output says %q:\n%s", tt.seed, bad, out)
				}
			}
			if f.outcomes[status.Ignored] != 1 || f.outcomes[status.Held] != 1 || f.outcomes[status.Parked] != 3 {
				t.Errorf("outcomes = %v", f.outcomes)
			}
			if info, err := os.Stat(filepath.Join(dir, "trueup.yaml")); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the configuration should stay in the folder that was named, for its owner only: %v %v", info, err)
			}
		})
	}
}

func TestAnInterruptionStillEndsWithTheTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		before, err := filepath.Glob(filepath.Join(os.TempDir(), "trueup-demo-*"))
		must(t, err)
		out, f, err := rehearse(t, ctx, Options{Seed: 9})
		must(t, err)
		if !f.stopped || !strings.Contains(out, "After 3m0s") || !strings.Contains(out, "Agreement       71.4%") {
			t.Errorf("stopped %v, output:\n%s", f.stopped, out)
		}
		after, err := filepath.Glob(filepath.Join(os.TempDir(), "trueup-demo-*"))
		must(t, err)
		if len(after) > len(before) {
			t.Errorf("left a folder behind: %v", after)
		}
	})
}

func TestAnEarlyInterruptionSaysWhatWasCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		out, _, err := rehearse(t, ctx, Options{For: time.Minute, Seed: 9})
		must(t, err)
		if !strings.Contains(out, "of the script had no time") {
			t.Errorf("output:\n%s", out)
		}
	})
}

// stuck is a Trueup that never gets done.
type stuck struct{ *follower }

func (s stuck) Idle(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func (s stuck) Snapshot(ctx context.Context) (Snapshot, error) {
	snap, err := s.follower.Snapshot(ctx)
	snap.Waiting = 3
	return snap, err
}

func TestATrueupThatNeverGetsDoneDoesNotKeepTheDemonstrationOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		n := network{listen: w.listen, client: w.client()}
		start := time.Now()
		var b strings.Builder
		must(t, run(t.Context(), Options{For: 20 * time.Second, Out: &b, Start: func(_ context.Context, _, text string) (Service, error) {
			f, err := newFollower(text, n)
			return stuck{f}, err
		}}, n))
		if took := time.Since(start); took != 20*time.Second+grace {
			t.Errorf("took %s", took)
		}
		if !strings.Contains(b.String(), "waiting          3") {
			t.Errorf("the table should say that three events wait:\n%s", b.String())
		}
	})
}

// blind is a Trueup whose state cannot be read, and that does not stop cleanly.
type blind struct{ *follower }

func (b blind) Snapshot(context.Context) (Snapshot, error) {
	return Snapshot{}, errors.New("the database is gone")
}
func (b blind) Stop(ctx context.Context) error {
	return errors.Join(b.follower.Stop(ctx), errors.New("it hangs"))
}

func TestFaultsOfTrueupAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, err := rehearse(t, t.Context(), Options{Start: func(context.Context, string, string) (Service, error) {
			return nil, errors.New("the port is taken")
		}})
		if err == nil || err.Error() != "start Trueup: the port is taken" {
			t.Errorf("a Trueup that does not start: %v", err)
		}

		w := newWire()
		n := network{listen: w.listen, client: w.client()}
		var out strings.Builder
		err = run(t.Context(), Options{Out: &out, Start: func(_ context.Context, _, text string) (Service, error) {
			f, err := newFollower(text, n)
			return blind{f}, err
		}}, n)
		if err == nil || !strings.Contains(err.Error(), "ask Trueup how it stands: the database is gone") || !strings.Contains(err.Error(), "stop Trueup: it hangs") {
			t.Errorf("a Trueup that cannot be read: %v", err)
		}
	})
}

func TestADemonstrationTooShortToShowAnythingIsRefused(t *testing.T) {
	for _, d := range []time.Duration{-time.Second, time.Second, Shortest - 1} {
		err := Run(t.Context(), Options{For: d})
		if err == nil || !strings.Contains(err.Error(), "give it 5s or more") {
			t.Errorf("for %s: %v", d, err)
		}
	}
}
