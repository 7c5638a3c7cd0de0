package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trueup/internal/store"
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
