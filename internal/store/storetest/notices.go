package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// notices claims all that is due to be told.
func (f fixture) notices() []store.Notice {
	f.Helper()
	found, err := f.db.ClaimNotices(f.ctx, store.ToSlack, 100, lease)
	f.must(err)
	return found
}

// notice claims the one notice that is due.
func (f fixture) notice() store.Notice {
	f.Helper()
	found := f.notices()
	if len(found) != 1 {
		f.Fatalf("%d notices are due, not one: %+v", len(found), found)
	}
	return found[0]
}

func (f fixture) opened(customer string, kind status.Kind) {
	f.Helper()
	_, err := f.db.OpenException(f.ctx, exception(customer, kind, status.StageMatch))
	f.must(err)
}

var notices = map[string]func(*testing.T, Open){
	"a group is told once, and again when it changes": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.opened("cus_1", status.Unmatched)
		if found := f.notices(); len(found) != 0 {
			t.Errorf("a group does not wait for others: %+v", found)
		}
		f.clock.Move(time.Minute)
		n := f.notice()
		if n.What != store.GroupNotice || n.Sync != sync1 || n.Kind != status.Unmatched || n.Cause != "cus_1" || n.Place != "" {
			t.Errorf("it is %+v", n)
		}
		if found := f.notices(); len(found) != 0 {
			t.Error("two have it")
		}
		f.must(f.db.NoticeTold(f.ctx, n, store.Telling{Channel: "#a", Place: "C1/1", Posted: true, Open: 1, Content: "x", Quiet: time.Minute}))
		if next, err := f.db.NextNotice(f.ctx, store.ToSlack); err != nil || !next.IsZero() {
			t.Errorf("the next one is at %s, %v", next, err)
		}
		f.act(1, store.Acknowledge)
		if found := f.notices(); len(found) != 0 {
			t.Error("it is not quiet")
		}
		// A change does not wait for a look that was to come much later.
		f.clock.Move(5 * time.Second)
		if n := f.notice(); n.Place != "C1/1" || n.Open != 1 || n.Content != "x" || !n.Posted.Equal(f.clock.Now().Add(-5*time.Second)) {
			t.Errorf("it is %+v", n)
		}
	},
	"what changes while it is told is told next": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.opened("cus_1", status.Unmatched)
		f.clock.Move(time.Minute)
		n := f.notice()
		f.act(1, store.Acknowledge)
		f.must(f.db.NoticeTold(f.ctx, n, store.Telling{Channel: "#a", Place: "C1/1"}))
		f.notice()
	},
	"a look to come does not hold back what changed while it was told": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.opened("cus_1", status.Unmatched)
		f.clock.Move(time.Minute)
		n := f.notice()
		f.act(1, store.Acknowledge)
		f.must(f.db.NoticeTold(f.ctx, n, store.Telling{Channel: "#a", Place: "C1/1", Again: time.Hour}))
		n = f.notice()
		f.must(f.db.NoticeTold(f.ctx, n, store.Telling{Channel: "#a", Place: "C1/1", Again: time.Hour}))
		if found := f.notices(); len(found) != 0 {
			t.Errorf("due are %+v", found)
		}
		f.clock.Move(time.Hour)
		f.notice()
	},
	"a node whose lease is over is not heard once another has the notice": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.opened("cus_1", status.Unmatched)
		f.clock.Move(time.Minute)
		first := f.notice()
		f.clock.Move(2 * lease)
		second := f.notice()
		for _, err := range []error{f.db.NoticeTold(f.ctx, first, store.Telling{}), f.db.NoticeFailed(f.ctx, first, time.Minute, "x"),
			f.db.PutBackNotice(f.ctx, first, time.Minute)} {
			if !errors.Is(err, store.ErrFenced) {
				t.Errorf("got %v", err)
			}
		}
		f.clock.Move(2 * lease)
		f.must(f.db.NoticeTold(f.ctx, second, store.Telling{Channel: "#a", Place: "C1/1"})) // nobody else has it
	},
	"what failed is tried again later, and says why": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.opened("cus_1", status.Unmatched)
		f.clock.Move(time.Minute)
		f.must(f.db.NoticeFailed(f.ctx, f.notice(), time.Hour, "no such channel"))
		waiting, err := f.db.UntoldNotices(f.ctx)
		f.must(err)
		if len(waiting) != 1 || waiting[0].Failure != "no such channel" || waiting[0].Attempts != 1 {
			t.Errorf("waiting are %+v", waiting)
		}
		f.must(f.db.HurryNotice(f.ctx, sync1, status.Unmatched, "cus_1"))
		if len(f.notices()) != 0 {
			t.Error("what fails can be hurried")
		}
		f.clock.Move(time.Hour)
		if n := f.notice(); n.Attempts != 1 {
			t.Errorf("it is %+v", n)
		}
	},
	"an act can be told at once": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.opened("cus_1", status.Unmatched)
		f.must(f.db.HurryNotice(f.ctx, sync1, status.Unmatched, "cus_1"))
		f.notice()
	},
	"each notice is one node's": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for n := range 60 {
			f.opened(string(rune('a'+n%26))+string(rune('a'+n/26)), status.Unmatched)
		}
		f.clock.Move(time.Minute)
		var all sync.WaitGroup
		var mu sync.Mutex
		had := map[string]int{}
		for range 6 {
			all.Go(func() {
				for {
					found, err := f.db.ClaimNotices(f.ctx, store.ToSlack, 7, lease)
					if err != nil {
						t.Error(err)
					}
					if err != nil || len(found) == 0 {
						return
					}
					mu.Lock()
					for _, n := range found {
						had[n.Cause]++
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		for cause, n := range had {
			if n != 1 {
				t.Errorf("%s was claimed %d times", cause, n)
			}
		}
		if len(had) != 60 {
			t.Errorf("%d were claimed", len(had))
		}
	},
	"many are folded into one, which goes on for a while": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for _, c := range []string{"cus_1", "cus_2", "cus_3"} {
			f.opened(c, status.Unmatched)
		}
		f.opened("cus_1", status.Conflict)
		f.clock.Move(time.Minute)
		f.must(f.db.FoldNotices(f.ctx, "#a", f.notices(), time.Hour))
		flood := f.notice()
		began := flood.Began
		f.must(f.db.NoticeTold(f.ctx, flood, store.Telling{Channel: "#a", Place: "C1/1", Posted: true}))
		found, err := f.db.FoldedSince(f.ctx, "#a", began)
		f.must(err)
		if diff := cmp.Diff([]store.Folded{
			{What: store.GroupNotice, Sync: sync1, Kind: status.Unmatched, Groups: 3, Exceptions: 3},
			{What: store.GroupNotice, Sync: sync1, Kind: status.Conflict, Groups: 1, Exceptions: 1}}, found); diff != "" {
			t.Error(diff)
		}
		if n, err := f.db.PostedSince(f.ctx, "#a", began.Add(-time.Millisecond)); err != nil || n != 5 {
			t.Errorf("posted were %d, %v", n, err)
		}
		f.clock.Move(30 * time.Minute)
		f.opened("cus_4", status.Unmatched)
		f.clock.Move(time.Minute)
		f.must(f.db.FoldNotices(f.ctx, "#a", f.notices(), time.Hour))
		if n := f.notice(); n.Place != "C1/1" || !n.Began.Equal(began) {
			t.Errorf("it goes on as %+v", n)
		} else {
			f.must(f.db.NoticeTold(f.ctx, n, store.Telling{Channel: "#a", Place: "C1/1"}))
		}
		f.clock.Move(time.Hour)
		f.opened("cus_5", status.Unmatched)
		f.clock.Move(time.Minute)
		f.must(f.db.FoldNotices(f.ctx, "#a", f.notices(), time.Hour))
		if n := f.notice(); n.Place != "" || !n.Began.Equal(f.clock.Now()) {
			t.Errorf("another one is %+v", n)
		}
	},
	"a digest is due once a day, whoever asks": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for day, want := range map[string]int{"2026-03-01": 1, "2026-03-02": 1} {
			opened := 0
			for range 3 {
				ok, err := f.db.OpenDigest(f.ctx, day)
				f.must(err)
				if ok {
					opened++
				}
			}
			if opened != want {
				t.Errorf("%s was opened %d times", day, opened)
			}
		}
		if next, err := f.db.NextNotice(f.ctx, store.ToSlack); err != nil || !next.Equal(f.clock.Now()) {
			t.Errorf("the next one is at %s, %v", next, err)
		}
		if found := f.notices(); len(found) != 2 || found[0].What != store.DigestNotice {
			t.Errorf("due are %+v", found)
		}
	},
	"what is overdue is reminded once since it opened": func(t *testing.T, open Open) {
		f := fresh(t, open)
		const after = time.Hour
		f.opened("cus_1", status.Unmatched)
		f.opened("cus_2", status.Unmatched)
		f.act(1, store.Ignore)
		remind := func(want int) {
			t.Helper()
			late, err := f.db.Overdue(f.ctx, sync1, after)
			f.must(err)
			n, err := f.db.RemindOverdue(f.ctx, sync1, after)
			f.must(err)
			if n != want || want > 0 && late[status.Unmatched] != want {
				t.Errorf("%d were reminded of %v, want %d", n, late, want)
			}
		}
		remind(0)
		f.clock.Move(after)
		remind(1)
		remind(0)
		_, err := f.db.Act(f.ctx, store.Act{Exception: 2, Verb: store.Assign, Owner: "ben@example.com", Who: "ana@example.com"})
		f.must(err)
		remind(0) // who has just got it has his time
		f.clock.Move(after + time.Second)
		remind(1)
		found, err := f.db.ClaimNotices(f.ctx, store.ToSlack, 100, lease)
		f.must(err)
		reminders := 0
		for _, n := range found {
			if n.What == store.ReminderNotice {
				reminders++
			}
		}
		if reminders != 1 {
			t.Errorf("due are %+v", found)
		}
	},
	"what was polled is heard, and is no proof that webhooks work": func(t *testing.T, open Open) {
		f := fresh(t, open)
		began := f.clock.Now()
		f.receive(event("evt_1", "cus_1"))
		f.clock.Move(time.Minute)
		polled := event("evt_2", "cus_1")
		polled.Listed = true
		f.receive(polled)
		heardAt := func(want, wantSent time.Time, events int) {
			t.Helper()
			last, sent, err := f.db.Heard(f.ctx, sync1)
			f.must(err)
			r, err := f.db.Rhythm(f.ctx, sync1, began)
			f.must(err)
			if !last.Equal(want) || !sent.Equal(wantSent) || r.Events != events {
				t.Errorf("the last was heard at %s and sent at %s, of %d", last, sent, r.Events)
			}
		}
		heardAt(began.Add(time.Minute), began, 1)
		again := func() {
			t.Helper()
			arrived, err := f.db.Receive(f.ctx, []store.NewEvent{polled})
			f.must(err)
			if arrived[0] != store.Repeat {
				t.Errorf("it became %v", arrived)
			}
		}
		again()
		heardAt(began.Add(time.Minute), began, 1)
		// The webhook comes after the poll that found its event: it came.
		polled.Listed = false
		again()
		heardAt(began.Add(time.Minute), began.Add(time.Minute), 2)
	},
	"a silence that is taken back is told of no more": func(t *testing.T, open Open) {
		f := fresh(t, open)
		_, err := f.db.BeginSilence(f.ctx, sync1, f.clock.Now(), time.Hour)
		f.must(err)
		f.must(f.db.DropSilence(f.ctx, sync1))
		if s, err := f.db.Silence(f.ctx, sync1); err != nil || !s.Since.IsZero() {
			t.Errorf("it is %+v, %v", s, err)
		}
	},
	"each recipient is told on its own, and what fails for too long is given up": func(t *testing.T, open Open) {
		f := fresh(t, open)
		claim := func() store.Notice {
			t.Helper()
			found, err := f.db.ClaimNotices(f.ctx, store.ToWebhook, 10, lease)
			f.must(err)
			if len(found) != 1 || found[0].Recipient != store.ToWebhook {
				t.Fatalf("due are %+v", found)
			}
			return found[0]
		}
		f.opened("cus_1", status.Unmatched)
		f.clock.Move(time.Minute)
		f.must(f.db.NoticeTold(f.ctx, f.notice(), store.Telling{Open: 1}))
		first := claim()
		f.must(f.db.NoticeFailed(f.ctx, first, time.Minute, "it answers 500"))
		f.clock.Move(time.Minute)
		again := claim()
		if again.ID() != first.ID() {
			t.Error("tried again it has another id")
		}
		waiting, err := f.db.NotDelivered(f.ctx, f.clock.Now())
		f.must(err)
		if len(waiting) != 1 || waiting[0] != (store.Undelivered{Recipient: store.ToWebhook, Waiting: 1, Since: first.Began, Failure: "it answers 500"}) {
			t.Errorf("not delivered are %+v", waiting)
		}
		given := f.clock.Now()
		f.must(f.db.GiveUpNotice(f.ctx, again, "it answers 500"))
		waiting, err = f.db.NotDelivered(f.ctx, given)
		f.must(err)
		if len(waiting) != 1 || waiting[0].Waiting != 0 || waiting[0].GivenUp != 1 {
			t.Errorf("not delivered are %+v", waiting)
		}
		if waiting, err = f.db.NotDelivered(f.ctx, given.Add(time.Minute)); err != nil || len(waiting) != 0 {
			t.Errorf("not delivered for long are %+v, %v", waiting, err)
		}
		// What changes then is told again, under another id, and nothing is given up.
		f.act(1, store.Acknowledge)
		f.clock.Move(time.Minute)
		next := claim()
		if next.ID() == first.ID() {
			t.Error("another change has the same id")
		}
		f.must(f.db.NoticeTold(f.ctx, next, store.Telling{Open: 1}))
		if waiting, err = f.db.NotDelivered(f.ctx, given); err != nil || len(waiting) != 0 {
			t.Errorf("not delivered are %+v, %v", waiting, err)
		}
	},
	"an alarm is told when it begins and when it ends, once each": func(t *testing.T, open Open) {
		f := fresh(t, open)
		began := f.clock.Now()
		set := func(on ...store.Alarm) {
			t.Helper()
			f.must(f.db.SetAlarms(f.ctx, []string{sync1}, on))
		}
		paused := store.Alarm{Sync: sync1, Alarm: status.AlarmPaused, Since: began}
		other := store.Alarm{Sync: "another", Alarm: status.AlarmPaused, Since: began}
		set()
		if found := f.notices(); len(found) != 0 {
			t.Errorf("due are %+v", found)
		}
		set(paused)
		set(paused)
		n := f.notice()
		if n.What != store.AlarmNotice || n.Sync != sync1 || n.Kind != status.Kind(status.AlarmPaused) {
			t.Errorf("it is %+v", n)
		}
		f.must(f.db.NoticeTold(f.ctx, n, store.Telling{Open: 1}))
		if a, err := f.db.SeenAlarm(f.ctx, sync1, status.AlarmPaused); err != nil || a != paused {
			t.Errorf("it is %+v, %v", a, err)
		}
		// Another process has a file with another sync: it does not end this one's.
		f.must(f.db.SetAlarms(f.ctx, []string{"another"}, []store.Alarm{other}))
		n = f.notice()
		if n.Sync != "another" {
			t.Errorf("it is %+v", n)
		}
		f.must(f.db.NoticeTold(f.ctx, n, store.Telling{Open: 1}))
		f.clock.Move(time.Hour)
		set()
		set()
		if n := f.notice(); n.Sync != sync1 || n.Open != 1 {
			t.Errorf("it is %+v", n)
		}
		if a, err := f.db.SeenAlarm(f.ctx, sync1, status.AlarmPaused); err != nil || !a.Ended.Equal(f.clock.Now()) {
			t.Errorf("it is %+v, %v", a, err)
		}
		paused.Since = f.clock.Now()
		set(paused)
		if a, err := f.db.SeenAlarm(f.ctx, sync1, status.AlarmPaused); err != nil || a != paused {
			t.Errorf("it is %+v, %v", a, err)
		}
	},
	"a silence begins once and ends once": func(t *testing.T, open Open) {
		f := fresh(t, open)
		began := f.clock.Now()
		if last, sent, err := f.db.Heard(f.ctx, sync1); err != nil || !last.IsZero() || !sent.IsZero() {
			t.Errorf("without an event it heard something at %s and %s, %v", last, sent, err)
		}
		for _, gap := range []time.Duration{0, time.Minute, 3 * time.Minute, 2 * time.Minute} {
			f.clock.Move(gap)
			f.receive(event("evt_"+gap.String(), "cus_1"))
		}
		last := f.clock.Now()
		if heard, sent, err := f.db.Heard(f.ctx, sync1); err != nil || !heard.Equal(last) || !sent.Equal(last) {
			t.Errorf("the last was heard at %s and sent at %s, %v", heard, sent, err)
		}
		r, err := f.db.Rhythm(f.ctx, sync1, began)
		f.must(err)
		if r != (store.Rhythm{Events: 4, Longest: 3 * time.Minute}) {
			t.Errorf("the rhythm is %+v", r)
		}
		f.clock.Move(time.Hour)
		for _, want := range []bool{true, false} {
			if ok, err := f.db.BeginSilence(f.ctx, sync1, last, r.Longest); err != nil || ok != want {
				t.Errorf("begun: %t, %v", ok, err)
			}
		}
		if n := f.notice(); n.What != store.SilentNotice {
			t.Errorf("told is %+v", n)
		}
		for _, want := range []bool{true, false} {
			if ok, err := f.db.EndSilence(f.ctx, sync1, f.clock.Now()); err != nil || ok != want {
				t.Errorf("ended: %t, %v", ok, err)
			}
		}
		if n := f.notice(); n.What != store.HeardNotice {
			t.Errorf("told is %+v", n)
		}
		if s, err := f.db.Silence(f.ctx, sync1); err != nil || s != (store.Silence{Since: last, Longest: r.Longest, Heard: f.clock.Now()}) {
			t.Errorf("it was %+v, %v", s, err)
		}
		if ok, err := f.db.BeginSilence(f.ctx, sync1, f.clock.Now(), r.Longest); err != nil || !ok {
			t.Errorf("another one begins: %t, %v", ok, err)
		}
	},
}
