package pipeline

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// A sync that only watches writes nothing, and can tell afterwards what people
// did where it would have written.
func TestWatchingTellsWhatPeopleDid(t *testing.T) {
	for engine, dsn := range map[string]func(testing.TB) string{"sqlite": nil, "postgres": storetest.Schema} {
		t.Run(engine, func(t *testing.T) {
			w := newWorld(t, func(w *world) {
				if dsn != nil {
					w.dsn = dsn(t)
				}
				w.configure = func(s *config.Sync) { s.Mode, s.FirstContact = config.ModeWatch, config.SourceWins }
			})
			for _, id := range []string{"same", "otherwise", "waits", "back", "never", "agrees", "later"} {
				w.customer(id, "active", "Active")
				w.carry(id, "active")
			}
			w.pass(time.Hour)
			for _, id := range []string{"same", "otherwise", "waits", "back", "never"} {
				w.carry(id, "paused")
			}
			w.pass(3 * time.Hour)
			w.crm.edit("rec_same", "Paused", status.ActorHuman)
			w.crm.edit("rec_otherwise", "Churned", status.ActorHuman)
			w.pass(5 * time.Hour)
			for _, id := range []string{"same", "otherwise", "waits"} {
				w.carry(id, "past_due") // another word for the same
			}
			w.carry("back", "active")
			w.carry("never", "incomplete") // is not carried
			w.carry("later", "canceled")   // and nobody looks again

			got, err := w.db.Watching(t.Context(), syncName, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			want := store.Watching{Customers: 6, Median: 3 * time.Hour, Changes: []store.WatchedChange{
				{Before: "Active", After: "Churned", ByVerdict: map[store.Verdict]int{store.NotYet: 1}},
				{Before: "Active", After: "Paused", ByVerdict: map[store.Verdict]int{store.DidTheSame: 1, store.DidOtherwise: 1, store.NotYet: 1, store.SourceChanged: 2}},
				{Before: "Churned", After: "Paused", ByVerdict: map[store.Verdict]int{store.NotYet: 1}}, // billing changed after that person
			}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if len(w.crm.writes) > 0 {
				t.Errorf("it wrote %v", w.crm.writes)
			}
		})
	}
}

// What a write of ours from before has brought about, nobody else did.
func TestAWriteFromBeforeTheWatchingIsNobodysDoing(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus", "active", "Active")
	w.carry("cus", "active")
	w.configure = func(s *config.Sync) { s.Mode = config.ModeWatch }
	w.start()
	w.pass(time.Hour)
	w.carry("cus", "paused")
	w.crm.edit("rec_cus", "Paused", status.ActorUs) // it was on its way for long
	w.carry("cus", "past_due")
	got, err := w.db.Watching(t.Context(), syncName, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if got.ByVerdict()[store.DidTheSame] > 0 {
		t.Errorf("it counts %+v", got)
	}
}
