package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/store"
)

var polls = map[string]func(*testing.T, Open){
	"a list that is read page by page says how far it is, and the last whole one what it had": func(t *testing.T, open Open) {
		f := fresh(t, open)
		from := f.clock.Now().Add(-24 * time.Hour)
		if got := f.polls()["billing"]; got != (store.Poll{}) {
			t.Errorf("before the first: %+v", got)
		}
		began := f.clock.Now()
		f.page("a", false, store.Page{Records: 100, Changes: 3, From: from})
		f.clock.Move(time.Hour)
		f.page("b", false, store.Page{Records: 100, From: from})
		want := store.Poll{From: from, UnderWay: true, Reading: store.Listing{Began: began, Pages: 2, Records: 200, Changes: 3}}
		f.same("on its way", want)
		f.clock.Move(time.Hour)
		f.page("c", true, store.Page{Records: 7, Changes: 1, From: began})
		whole := store.Listing{Began: began, Ended: f.clock.Now(), Pages: 3, Records: 207, Changes: 4}
		want = store.Poll{From: began, Reading: store.Listing{Began: began, Pages: 3, Records: 207, Changes: 4}, Last: whole}
		f.same("at its end", want)
		f.clock.Move(time.Hour)
		next := f.clock.Now()
		f.page("d", false, store.Page{Records: 50, From: began})
		f.same("the next one", store.Poll{From: began, UnderWay: true, Reading: store.Listing{Began: next, Pages: 1, Records: 50}, Last: whole})
		if at, err := f.db.ListedAt(f.ctx, "billing"); err != nil || !at.Equal(began) {
			t.Errorf("the last complete list was asked for at %s, %v", at, err)
		}
	},
	"a list that is begun again counts from there": func(t *testing.T, open Open) {
		f := fresh(t, open)
		began := f.clock.Now()
		f.page("a", false, store.Page{Records: 100, Changes: 3})
		f.clock.Move(time.Hour)
		f.page("a", false, store.Page{Records: 90, Changes: 1, Anew: true})
		again := f.clock.Now()
		f.page("b", true, store.Page{Records: 10})
		f.same("begun again", store.Poll{Reading: store.Listing{Began: again, Pages: 2, Records: 100, Changes: 1},
			Last: store.Listing{Began: again, Ended: again, Pages: 2, Records: 100, Changes: 1}})
		if at, err := f.db.ListedAt(f.ctx, "billing"); err != nil || !at.Equal(began) {
			t.Errorf("what it brought counts from %s, %v; want %s", at, err, began)
		}
	},
	"a list that stops says why and until when, until it is read on": func(t *testing.T, open Open) {
		f := fresh(t, open)
		_, fence, _, err := f.db.TakeTurn(f.ctx, store.ChangesOf("billing"), 0, lease)
		f.must(err)
		f.must(f.db.StopPoll(f.ctx, "billing", fence, "rate_limited", time.Minute))
		want := store.Poll{Stopped: store.Stop{By: "rate_limited", At: f.clock.Now(), Until: f.clock.Now().Add(time.Minute)}}
		f.same("before its first page", want)
		f.must(f.db.StopPoll(f.ctx, "billing", fence-1, "gone", time.Hour))
		f.same("an old fence changes nothing", want)
		f.page("a", true, store.Page{Records: 1})
		if got := f.polls()["billing"]; got.Stopped != (store.Stop{}) {
			t.Errorf("it was read on, and says %+v", got)
		}
	},
	"a page of a node that lost its turn is not counted": func(t *testing.T, open Open) {
		f := fresh(t, open)
		_, fence, _, err := f.db.TakeTurn(f.ctx, store.ChangesOf("billing"), 0, lease)
		f.must(err)
		f.clock.Move(lease)
		f.page("a", false, store.Page{Records: 5})
		want := f.polls()["billing"]
		for _, done := range []bool{false, true} {
			if err := f.db.SavePage(f.ctx, "billing", fence, "x", done, store.Page{Records: 100}); !errors.Is(err, store.ErrFenced) {
				t.Errorf("it is saved: %v", err)
			}
		}
		f.same("after it", want)
	},
}

// page reads and saves one more page of billing's list.
func (f *fixture) page(cursor string, done bool, p store.Page) {
	f.Helper()
	_, fence, ok, err := f.db.TakeTurn(f.ctx, store.ChangesOf("billing"), 0, lease)
	f.must(err)
	if !ok {
		f.Fatal("the turn is not free")
	}
	f.must(f.db.SavePage(f.ctx, "billing", fence, cursor, done, p))
	f.must(f.db.LeaveTurn(f.ctx, store.ChangesOf("billing"), fence))
}

func (f *fixture) polls() map[string]store.Poll {
	f.Helper()
	all, err := f.db.Polls(f.ctx)
	f.must(err)
	return all
}

func (f *fixture) same(when string, want store.Poll) {
	f.Helper()
	if diff := cmp.Diff(want, f.polls()["billing"]); diff != "" {
		f.Errorf("%s (-want +got):\n%s", when, diff)
	}
}
