package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/store"
)

var nodes = map[string]func(*testing.T, Open){
	"each configuration that is used is noted once, however many processes read it": func(t *testing.T, open Open) {
		f := fresh(t, open)
		reading := func(digest, node, mode string, secrets ...string) store.ConfigReading {
			r := store.ConfigReading{Digest: digest, At: f.clock.Now(), Node: node, Settings: map[string]string{"syncs.a.mode": mode}, Secrets: append([]string{}, secrets...)}
			f.must(f.db.NoteConfig(f.ctx, r))
			f.clock.Move(time.Minute)
			return r
		}
		first := reading("d1", "host-1:8080", "watch")
		reading("d1", "host-2:8080", "watch")
		second := reading("d2", "host-1:8080", "live", "connections.billing.api_key")
		back := reading("d1", "host-1:8080", "watch")
		got, err := f.db.ConfigReadings(f.ctx, 10)
		f.must(err)
		if diff := cmp.Diff([]store.ConfigReading{back, second, first}, got); diff != "" {
			t.Error(diff)
		}
	},
	"a configuration that is refused is noted with where it is wrong, once until another is used": func(t *testing.T, open Open) {
		f := fresh(t, open)
		refuse := func(digest string) store.ConfigRefusal {
			r := store.ConfigRefusal{Digest: digest, At: f.clock.Now(), Node: "host-1:8080", Faults: []store.FaultPlace{{Line: 30, Path: "syncs.a.mach"}}}
			f.must(f.db.NoteRefusal(f.ctx, r))
			f.clock.Move(time.Minute)
			return r
		}
		first := refuse("bad")
		refuse("bad")
		f.must(f.db.NoteConfig(f.ctx, store.ConfigReading{Digest: "good"}))
		f.clock.Move(time.Minute)
		again, other := refuse("bad"), refuse("worse")
		got, err := f.db.ConfigRefusals(f.ctx, 10)
		f.must(err)
		if diff := cmp.Diff([]store.ConfigRefusal{other, again, first}, got); diff != "" {
			t.Error(diff)
		}
	},
	"what an old configuration said goes, and the digest that a decision may name stays": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for _, digest := range []string{"d1", "d2"} {
			f.must(f.db.NoteConfig(f.ctx, store.ConfigReading{Digest: digest, Node: "n", Settings: map[string]string{"syncs.a.owners.default": "ana@example.com"}}))
			f.must(f.db.NoteRefusal(f.ctx, store.ConfigRefusal{Digest: "bad " + digest, Node: "n"}))
			f.clock.Move(48 * time.Hour)
		}
		for what, want := range map[store.OldThing]int{store.OldSettings: 1, store.OldRefusals: 1} {
			if n, _, err := f.db.DeleteOld(f.ctx, what, f.clock.Now().Add(-72*time.Hour), 0, 100); err != nil || n != want {
				t.Errorf("%s: %d went, %v", what, n, err)
			}
		}
		// The one in use stays whole, however old it is.
		n, _, err := f.db.DeleteOld(f.ctx, store.OldSettings, f.clock.Now(), 0, 100)
		readings, err2 := f.db.ConfigReadings(f.ctx, 10)
		if n != 0 || err != nil || err2 != nil || len(readings) != 2 || readings[0].Deleted || len(readings[0].Settings) != 1 || !readings[1].Deleted || readings[1].Settings != nil || readings[1].Digest != "d1" {
			t.Errorf("%d went, %v; left are %+v, %v", n, err, readings, err2)
		}
		refusals, err := f.db.ConfigRefusals(f.ctx, 10)
		if err != nil || len(refusals) != 1 || refusals[0].Digest != "bad d2" {
			t.Errorf("left are %+v, %v", refusals, err)
		}
	},
	"a process is seen for as long as it works, and goes when it stops in order": func(t *testing.T, open Open) {
		f := fresh(t, open)
		first, err := f.db.EnterNode(f.ctx, "host-1:8080", "v1")
		f.must(err)
		f.clock.Move(15 * time.Second)
		f.must(f.db.SeeNode(f.ctx, first))
		want := []store.Node{{Name: "host-1:8080", Version: "v1", StartedAt: first.StartedAt, SeenAt: f.clock.Now()}}
		f.nodes(want)
		f.must(f.db.LeaveNode(f.ctx, first))
		f.nodes(nil)
	},
	"a process that did not stop in order stays until its next start": func(t *testing.T, open Open) {
		f := fresh(t, open)
		killed, err := f.db.EnterNode(f.ctx, "host-1:8080", "v1")
		f.must(err)
		f.clock.Move(time.Hour)
		f.nodes([]store.Node{killed})
		next, err := f.db.EnterNode(f.ctx, "host-1:8080", "v2")
		f.must(err)
		f.nodes([]store.Node{next})
		// The end of the one before, should it come as late as that, is not its.
		f.must(f.db.LeaveNode(f.ctx, killed))
		f.nodes([]store.Node{next})
	},
	"of a file that one process may work on, another one works no more": func(t *testing.T, open Open) {
		f := fresh(t, open)
		_, err := f.db.EnterNode(f.ctx, "host-1:8080", "v1")
		f.must(err)
		f.clock.Move(time.Hour)
		_, err = f.db.EnterNode(f.ctx, "host-2:8080", "v1")
		f.must(err)
		found, err := f.db.Nodes(f.ctx)
		f.must(err)
		if want := map[string]int{"sqlite": 1, "postgres": 2}[f.db.Engine()]; len(found) != want {
			t.Errorf("%d processes work on it", len(found))
		}
	},
	"a process that nobody has seen for a week is forgotten": func(t *testing.T, open Open) {
		f := fresh(t, open)
		_, err := f.db.EnterNode(f.ctx, "pod-a1b2:8080", "v1")
		f.must(err)
		f.clock.Move(8 * 24 * time.Hour)
		next, err := f.db.EnterNode(f.ctx, "pod-c3d4:8080", "v1")
		f.must(err)
		f.nodes([]store.Node{next})
	},
}

// nodes compares the processes that work on the database.
func (f fixture) nodes(want []store.Node) {
	f.Helper()
	got, err := f.db.Nodes(f.ctx)
	f.must(err)
	if diff := cmp.Diff(want, got); diff != "" {
		f.Error(diff)
	}
}
