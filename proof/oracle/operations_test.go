package oracle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// moment draws a time near now, or none.
func (d *differential) moment(t *rapid.T, name string) time.Time {
	if rapid.Bool().Draw(t, name+" is known") {
		return d.clock.Now().Add(time.Duration(rapid.IntRange(-1e9, 5e9).Draw(t, name)) * time.Microsecond)
	}
	return time.Time{}
}

func (d *differential) receive(t *rapid.T) {
	var events []store.NewEvent
	for range rapid.IntRange(1, 3).Draw(t, "how many") {
		d.events++
		id := d.events
		if rapid.IntRange(0, 3).Draw(t, "repeat") == 0 {
			id = rapid.IntRange(1, d.events).Draw(t, "which")
		}
		e := store.NewEvent{Connection: d.connection, Sync: d.sync, Side: store.SourceSide, ID: fmt.Sprintf("evt_%d", id), Customer: names.Draw(t, "customer"),
			Value: words.Draw(t, "value"), HasValue: rapid.Bool().Draw(t, "has a value"), OccurredAt: d.moment(t, "occurred"), UnchangedAt: d.moment(t, "unchanged"), Payload: []byte{byte(id), byte(rapid.IntRange(0, 1).Draw(t, "wording"))}, Owner: "ops@example.com"}
		switch rapid.IntRange(0, 5).Draw(t, "what") {
		case 0:
			e.Side, e.Customer = store.TargetSide, ids.Draw(t, "record")
		case 1:
			e.Outcome, e.Reason = status.Ignored, reason.Text("none of ours")
		case 2:
			x := d.newException(t)
			e.Outcome, e.Exception, e.Customer = status.Parked, &x, ""
		}
		events = append(events, e)
	}
	d.all("receive", func(s *side) any { return answered(s.Receive(context.Background(), events)) })
}

// replay stores an event once more, as the replay that it is on each side.
func (d *differential) replay(t *rapid.T) {
	if d.events == 0 {
		return
	}
	id, nonce := fmt.Sprintf("evt_%d", rapid.IntRange(1, d.events).Draw(t, "which")), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "nonce")
	d.all("replay", func(s *side) any {
		found, err := s.Events(context.Background(), store.EventFilter{Sync: d.sync, Limit: 500})
		at := slices.IndexFunc(found, func(e store.Event) bool { return e.ID == id })
		if err != nil || at < 0 || found[at].Side != store.SourceSide || found[at].Customer == "" { // what is about nobody is not replayed
			return answered(at < 0, err)
		}
		e := found[at]
		return answered(s.Receive(context.Background(), []store.NewEvent{{Connection: e.Connection, Sync: e.Sync, Side: e.Side, ID: store.ReplayID(e.ID, nonce),
			Customer: e.Customer, Value: e.Value, HasValue: e.HasValue, OccurredAt: e.OccurredAt, Payload: e.Payload, ReplayOf: e.Seq, ReplayedBy: "ana@example.com"}}))
	})
}

// unnumbered replaces the numbers of an event, whose order is the slice's.
func unnumbered(e *store.Event) { e.Seq, e.ReplayOf = 0, min(e.ReplayOf, 1) }

func (d *differential) newException(t *rapid.T) store.NewException {
	x := store.NewException{Sync: d.sync, Customer: names.Draw(t, "customer of the exception"), Kind: kinds.Draw(t, "kind"), Stage: stages.Draw(t, "stage"),
		Reason: reason.Text(words.Draw(t, "reason")), SourceValue: words.Draw(t, "source value"), Confidence: 0.5, Owner: "ops@example.com"}
	x.Cause = rapid.SampledFrom([]string{"", "past_due"}).Draw(t, "cause")
	if rapid.Bool().Draw(t, "candidates") {
		x.Candidates = []status.Candidate{{TargetID: "rec_1", Confidence: 0.9}, {TargetID: "rec_2", Value: "Active", Rule: "email = email", Confidence: 0.1}}
	}
	return x
}

func (d *differential) pass(t *rapid.T) {
	d.clock.Move(time.Duration(rapid.IntRange(1, 90_000).Draw(t, "ms")) * time.Millisecond)
}

func (d *differential) claim(t *rapid.T) {
	limit := rapid.IntRange(1, 4).Draw(t, "limit")
	d.all("claim", func(s *side) any {
		works, err := s.Claim(context.Background(), d.sync, limit, time.Minute)
		for i := range works {
			s.works = append(s.works, &works[i])
		}
		return answered(d.plainWorks(works), err)
	})
	d.all("next due", func(s *side) any { return answered(s.NextDue(context.Background(), d.sync)) })
}

func (d *differential) claimOne(t *rapid.T) {
	customer := names.Draw(t, "customer")
	d.all("claim one", func(s *side) any {
		w, ok, err := s.ClaimOne(context.Background(), d.sync, customer, 0, time.Minute)
		if ok {
			s.works = append(s.works, &w)
		}
		return answered([]any{d.plainWorks([]store.Work{w}), ok}, err)
	})
}

// plainWorks replaces ids by nothing: their order is the slice's.
func (d *differential) plainWorks(works []store.Work) []store.Work {
	plain := slices.Clone(works)
	for i := range plain {
		w := &plain[i]
		w.Events, w.Intents = slices.Clone(w.Events), slices.Clone(w.Intents)
		for j := range w.Events {
			unnumbered(&w.Events[j])
		}
		for j := range w.Intents {
			w.Intents[j].ID = 0
		}
		w.Writes.Latest = slices.Clone(w.Writes.Latest)
		for j := range w.Writes.Latest {
			w.Writes.Latest[j].Intent = 0
		}
	}
	return plain
}

// someWork draws one of the claims that were ever made, stale ones too.
func (d *differential) someWork(t *rapid.T) (int, bool) {
	n := len(d.sides[0].works)
	if n == 0 {
		return 0, false
	}
	return n - 1 - rapid.IntRange(0, min(n-1, 3)).Draw(t, "claim, from the last"), true
}

func (d *differential) beginWrite(t *rapid.T) {
	at, ok := d.someWork(t)
	if !ok {
		return
	}
	i := store.Intent{RecordID: ids.Draw(t, "record"), Value: words.Draw(t, "value"), Prior: words.Draw(t, "prior"), SentAt: d.clock.Now(), PriorAt: d.moment(t, "prior at"), Expires: d.moment(t, "expires")}
	l := d.limits(t)
	d.all("begin a write", func(s *side) any {
		got, err := s.BeginWrite(context.Background(), s.works[at], i, l)
		if err == nil {
			s.works[at].Intents = append(s.works[at].Intents, got)
		}
		got.ID = 0
		return answered(got, err)
	})
}

func (d *differential) limits(t *rapid.T) (l store.Limits) {
	within := func() time.Duration { return time.Duration(rapid.IntRange(1, 200).Draw(t, "within")) * time.Second }
	if rapid.Bool().Draw(t, "per customer") {
		l.PerCustomer = store.PerCustomer{Count: rapid.IntRange(1, 3).Draw(t, "writes"), Within: within()}
	}
	if rapid.Bool().Draw(t, "mass change") {
		l.MassChange = &store.MassChange{Customers: rapid.IntRange(0, 2).Draw(t, "customers"), Within: within(),
			Percent: rapid.SampledFrom([]float64{0, 10, 34, 100}).Draw(t, "percent"), Exception: func(h store.Halt) store.NewException {
				return store.NewException{Sync: d.sync, Kind: status.MassChange, Stage: status.StageWrite, Reason: reason.Text(fmt.Sprint(h)), Confidence: 1, Owner: "ops@example.com"}
			}}
	}
	return l
}

func (d *differential) resume(t *rapid.T) {
	r := store.Resume{Sync: d.sync, Who: "ana@example.com", Reason: words.Draw(t, "reason")}
	if rapid.Bool().Draw(t, "keyed") {
		r.Key, r.Asked = d.sync+words.Draw(t, "key"), r.Reason
	}
	d.all("resume", func(s *side) any { return answered(s.Resume(context.Background(), r)) })
}

func (d *differential) mode(t *rapid.T) {
	live := rapid.Bool().Draw(t, "live")
	d.all("the mode", func(s *side) any { return answered(nil, s.SetMode(context.Background(), d.sync, live)) })
}

func (d *differential) account(t *rapid.T) {
	now := []store.Account{{Side: store.TargetSide, Key: rapid.SampledFrom([]string{"sandbox", "production"}).Draw(t, "account")}}
	verb := rapid.SampledFrom([]string{"start", "start", "start", "the same", "links removed"}).Draw(t, "verb")
	d.all("the account: "+verb, func(s *side) any {
		switch verb {
		case "the same":
			return answered(s.SameAccounts(context.Background(), d.sync, "ana@example.com", now))
		case "links removed":
			return answered(s.RemoveLinks(context.Background(), d.sync, "ana@example.com", now))
		}
		return answered(s.NoteAccounts(context.Background(), d.sync, now))
	})
	d.all("the accounts", func(s *side) any { return answered(s.Accounts(context.Background(), d.sync)) })
}

func (d *differential) settle(t *rapid.T) {
	at, ok := d.someWork(t)
	if !ok {
		return
	}
	s := store.Settlement{HumanAt: d.moment(t, "human"), Overruled: rapid.Bool().Draw(t, "overruled"), Email: rapid.SampledFrom([]string{"", " Ana@Example.com"}).Draw(t, "email"),
		Close: store.CloseScope(rapid.IntRange(0, 2).Draw(t, "close")), RetryAt: d.moment(t, "retry"), Attempts: rapid.IntRange(0, 3).Draw(t, "attempts"),
		FirstTry: d.moment(t, "first try"), Outcome: rapid.SampledFrom(append([]status.Outcome{""}, status.Outcomes...)).Draw(t, "outcome"), Reason: reason.Text(words.Draw(t, "reason")),
		RulingDone: d.sides[0].works[at].Ruling.At, KeepDue: rapid.Bool().Draw(t, "stays due"), Wake: rapid.SampledFrom([]string{"", "", "cus_2"}).Draw(t, "wake"),
		Decision: &store.Decision{Sync: d.sync, Customer: d.sides[0].works[at].Customer, Action: "write", Stage: stages.Draw(t, "stage"), Confidence: 0.25,
			DesiredAt: d.moment(t, "desired at"), Events: 1}}
	if rapid.Bool().Draw(t, "desired") {
		s.Desired = &store.Desired{SourceValue: words.Draw(t, "source value"), Status: "active", At: d.moment(t, "at"), SeenAt: d.moment(t, "seen at"), Event: "evt_1"}
	}
	if rapid.Bool().Draw(t, "observed") {
		s.Observed = &store.Observed{Value: words.Draw(t, "observed value"), At: d.moment(t, "at"), By: "us", SeenAt: d.moment(t, "seen at")}
	}
	if rapid.Bool().Draw(t, "base") {
		s.Base = &store.Base{Known: true, RecordID: "rec_1", Value: words.Draw(t, "base value"), SeenAt: d.moment(t, "seen at"),
			Sent: words.Draw(t, "base sent"), Unverified: rapid.Bool().Draw(t, "unverified")}
	}
	if rapid.Bool().Draw(t, "park") {
		x := d.newException(t)
		x.Customer = d.sides[0].works[at].Customer
		s.Park = &x
	}
	if rapid.Bool().Draw(t, "undone") {
		s.Reverts = &store.Reverts{RecordID: "rec_1", Value: words.Draw(t, "value"), Written: d.moment(t, "written")}
	}
	s.Halted = rapid.Bool().Draw(t, "halted")
	if rapid.Bool().Draw(t, "watched") {
		s.Watched = &store.Watched{}
	}
	unsent := rapid.Bool().Draw(t, "the last write did not leave")
	if rapid.Bool().Draw(t, "the ruling stays") {
		s.RulingDone = time.Time{}
	}
	closing := rapid.IntRange(0, 2).Draw(t, "intents to close")
	seeing := rapid.IntRange(0, 2).Draw(t, "intents that were seen")
	ending := rapid.IntRange(0, 2).Draw(t, "events to end")
	d.all("settle", func(side *side) any {
		w, s := side.works[at], s
		for _, i := range w.Intents[:min(closing, len(w.Intents))] {
			s.CloseIntents = append(s.CloseIntents, i.ID)
		}
		for _, i := range w.Intents[max(0, len(w.Intents)-seeing):] {
			s.SeenIntents = append(s.SeenIntents, i.ID)
			s.Accepted = append(s.Accepted, i.ID)
		}
		if n := len(w.Writes.Latest); n > 0 && unsent {
			s.Unsent = append(s.Unsent, w.Writes.Latest[n-1].Intent)
		}
		for _, e := range w.Events[:min(ending, len(w.Events))] {
			s.Events = append(s.Events, store.EventOutcome{Seq: e.Seq, Outcome: status.Superseded, Reason: reason.Text("so")})
		}
		return answered(nil, side.Settle(context.Background(), w, s))
	})
}

func (d *differential) saveLink(t *rapid.T) {
	at, ok := d.someWork(t)
	if !ok {
		return
	}
	l := store.Link{Sync: d.sync, Customer: d.sides[0].works[at].Customer, TargetID: ids.Draw(t, "record"), Rule: "email = email", Confidence: 0.9, By: "rule"}
	d.all("save a link", func(s *side) any { return answered(nil, s.SaveLink(context.Background(), s.works[at], l)) })
}

func (d *differential) followLink(t *rapid.T) {
	at, ok := d.someWork(t)
	if !ok {
		return
	}
	from, to := ids.Draw(t, "from"), ids.Draw(t, "to")
	d.all("follow a merge", func(s *side) any { return answered(s.FollowLink(context.Background(), s.works[at], from, to)) })
}

func (d *differential) importLinks(t *rapid.T) {
	var links []store.Link
	for range rapid.IntRange(1, 3).Draw(t, "how many") {
		links = append(links, store.Link{Customer: names.Draw(t, "customer"), TargetID: ids.Draw(t, "record"), Confidence: 1, By: "person"})
	}
	slices.SortFunc(links, func(a, b store.Link) int { return cmp.Compare(a.Customer, b.Customer) })
	links = slices.CompactFunc(links, func(a, b store.Link) bool { return a.Customer == b.Customer })
	var which []bool
	d.all("set links", func(s *side) any {
		changed, err := s.ImportLinks(context.Background(), d.sync, links)
		which = append(which, err != nil)
		if err != nil {
			return changed // which of two customers is named first is not fixed
		}
		return changed
	})
	if slices.Contains(which, true) && slices.Contains(which, false) {
		d.Fatalf("one side sets %v and another refuses", links)
	}
}

func (d *differential) removeLink(t *rapid.T) {
	name := names.Draw(t, "customer")
	d.all("remove a link", func(s *side) any { return answered(nil, s.RemoveLink(context.Background(), d.sync, name, "person")) })
}

func (d *differential) exception(t *rapid.T) {
	x := d.newException(t)
	if rapid.Bool().Draw(t, "close") {
		d.all("close exceptions", func(s *side) any {
			return answered(s.CloseExceptions(context.Background(), d.sync, x.Customer, x.Kind, ""))
		})
		return
	}
	d.all("open an exception", func(s *side) any {
		_, err := s.OpenException(context.Background(), x)
		return answered(nil, err)
	})
}

func (d *differential) act(t *rapid.T) {
	at := rapid.IntRange(0, 3).Draw(t, "which")
	a := store.Act{Who: "ana@example.com", Owner: rapid.SampledFrom([]string{"ops@example.com", "ben@example.com"}).Draw(t, "owner"), Saw: words.Draw(t, "saw"),
		TargetID: ids.Draw(t, "record"), Until: d.moment(t, "until"), Ignored: rapid.SampledFrom([]store.Ignored{store.IgnoredUntilChange, store.IgnoredAlways}).Draw(t, "ignored"),
		Verb: rapid.SampledFrom([]store.Verb{store.Acknowledge, store.Assign, store.Retry, store.Ignore, store.Resolve, store.Reopen, store.UseSource, store.KeepTarget,
			store.LinkTo, store.Rematch, store.MapTo}).Draw(t, "verb")}
	if rapid.Bool().Draw(t, "keyed") {
		a.Key, a.Asked = d.sync+words.Draw(t, "key"), words.Draw(t, "asked")
	}
	a.SawSource = words.Draw(t, "saw in the source")
	shown := rapid.Bool().Draw(t, "shown what is")
	d.all("act", func(s *side) any {
		found, err := s.Exceptions(context.Background(), store.ExceptionFilter{Sync: d.sync})
		if err != nil || at >= len(found) {
			return answered(len(found), err)
		}
		slices.SortFunc(found, func(a, b store.Exception) int { return cmp.Compare(a.ID, b.ID) })
		a := a
		a.Exception = found[at].ID
		if c, err := s.Customer(context.Background(), d.sync, found[at].Customer); err == nil && shown {
			a.Saw, a.SawSource = c.Observed.Value, c.Desired.SourceValue
		}
		return answered(s.Act(context.Background(), a))
	})
}

func (d *differential) rest(t *rapid.T) {
	until := d.moment(t, "until")
	d.all("pause", func(s *side) any { return answered(nil, s.Rest(context.Background(), d.connection, until)) })
	d.all("paused until", func(s *side) any { return answered(s.RestsUntil(context.Background(), d.connection)) })
}

func (d *differential) reserve(t *rapid.T) {
	n, requests := rapid.IntRange(1, 5).Draw(t, "calls"), rapid.IntRange(1, 50).Draw(t, "requests")
	d.all("reserve", func(s *side) any {
		now, first, gap, err := s.Reserve(context.Background(), d.connection, n, requests, 10*time.Second)
		return answered([]any{now, first, gap}, err)
	})
}

func (d *differential) turn(t *rapid.T) {
	switch n := len(d.sides[0].fences); {
	case n == 0 || rapid.Bool().Draw(t, "lease"):
		d.all("take the turn", func(s *side) any {
			at, fence, ok, err := s.TakeTurn(context.Background(), store.ChangesOf(d.connection), 30*time.Second, time.Minute)
			if ok {
				s.fences = append(s.fences, fence)
			}
			return answered([]any{at, fence, ok}, err)
		})
	case rapid.Bool().Draw(t, "release"):
		at, failed := rapid.IntRange(0, n-1).Draw(t, "which"), rapid.Bool().Draw(t, "failed")
		d.all("leave the turn", func(s *side) any {
			if failed {
				return answered(nil, s.StopPoll(context.Background(), d.connection, s.fences[at], "transient", time.Minute))
			}
			return answered(nil, s.LeaveTurn(context.Background(), store.ChangesOf(d.connection), s.fences[at]))
		})
	default:
		at, to, done, anew := rapid.IntRange(0, n-1).Draw(t, "which"), words.Draw(t, "to"), rapid.Bool().Draw(t, "done"), rapid.Bool().Draw(t, "anew")
		d.all("save the turn", func(s *side) any {
			return answered(nil, s.SavePage(context.Background(), d.connection, s.fences[at], to, done, store.Page{Records: 7, Anew: anew}))
		})
	}
}

// aProcess draws one of this life's processes.
func (d *differential) aProcess(t *rapid.T) int64 {
	return d.life*10 + rapid.Int64Range(1, 3).Draw(t, "process")
}

func (d *differential) process(t *rapid.T) {
	process := d.aProcess(t)
	d.all("another process", func(s *side) any { s.ClaimAs(process); return nil })
}

func (d *differential) takeBack(t *rapid.T) {
	process := d.aProcess(t)
	d.all("a process dies", func(s *side) any { return answered(s.TakeBackFrom(context.Background(), process)) })
	d.all("next due", func(s *side) any { return answered(s.NextDue(context.Background(), d.sync)) })
}
