package sim

import (
	"context"
	"fmt"
	"slices"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// target is the tool that follows.
type target struct {
	world   *world
	records []*record
	// options are the values it takes; nil takes all.
	options []string
}

// record is one customer there. It keeps every state it was in.
type record struct {
	id, owner string // owner is the customer it is about
	keyed     bool   // it has the customer's address
	gone      bool
	late      int64 // from when on it is there
	states    []state
	// landed is the newest version of the source that a write of ours brought.
	landed int
}

// state is how a record looked from a time on.
type state struct {
	at    int64
	value string
	// by edited the record, valueBy and valueAt the status in it.
	by, valueBy status.Actor
	valueAt     int64
	// same: the edit set what was there before. landed: it is a write of ours;
	// late: one that arrived after its sender was told that it failed.
	same, landed, late bool
	sent               string // what was sent, when we wrote it
	revision           int
	id                 string // of the record
}

var targetValues = []string{"Active", "Paused", "Churned"}

func newTarget(w *world) *target {
	t := &target{world: w}
	for i := range w.set.customers {
		owner := fmt.Sprintf("cus_%d", i+1)
		for range one(w.rng, 1, 1, 1, 1, 1, 1, 0, 2) {
			t.add(owner, one(w.rng, "", "", "Active", "Paused", "Churned", "Lead"), -w.rng.Int64N(7_200_000))
		}
	}
	return t
}

func (t *target) add(owner, value string, at int64) *record {
	r := &record{id: fmt.Sprintf("rec_%d", len(t.records)+1), owner: owner, keyed: true, landed: -1}
	by := status.ActorHuman
	if value == "" {
		by = status.ActorAutomation // it was imported, and nobody has filled it in
	}
	r.states = []state{{at: at, value: value, by: by, valueBy: by, valueAt: at, id: r.id}}
	t.records = append(t.records, r)
	return r
}

func (t *target) record(id string) *record {
	for _, r := range t.records {
		if r.id == id {
			return r
		}
	}
	return nil
}

// of returns the records of a customer that are there.
func (t *target) of(owner string) []*record {
	var found []*record
	for _, r := range t.records {
		if r.owner == owner && !r.gone {
			found = append(found, r)
		}
	}
	return found
}

func (r *record) now() state { return r.states[len(r.states)-1] }

// was returns the state at a time.
func (r *record) was(at int64) state {
	for _, s := range slices.Backward(r.states) {
		if s.at <= at {
			return s
		}
	}
	return r.states[0]
}

// held reports whether it held the value at some time from then on.
func (r *record) held(value string, from int64) bool {
	for i, s := range r.states {
		until := int64(1) << 60
		if i+1 < len(r.states) {
			until = r.states[i+1].at
		}
		if s.value == value && until >= from {
			return true
		}
	}
	return false
}

// edit changes a record.
func (t *target) edit(r *record, value string, by status.Actor) {
	w := t.world
	old := r.now()
	r.states = append(r.states, state{at: w.now, value: value, by: by, valueBy: by, valueAt: w.now, same: value == old.value, revision: old.revision + 1, id: r.id})
	w.note("target edited", r.id, fmt.Sprintf("%q -> %q by %s", old.value, value, by), int64(old.revision+1))
	t.tell(r)
}

// putBack is a person who takes back a write of ours.
func (t *target) putBack(s *sending) {
	r := t.record(s.record.ID)
	if r == nil || r.gone || len(r.states) < 2 || !r.now().landed || r.now().value != s.value {
		return
	}
	t.edit(r, s.record.Value, status.ActorHuman)
}

// touch edits another field of a record.
func (t *target) touch(r *record, by status.Actor) {
	s := r.now()
	s.at, s.by, s.revision = t.world.now, by, s.revision+1
	r.states = append(r.states, s)
	t.world.note("target touched", r.id, string(by), 0)
	t.tell(r)
}

// tell sends a webhook about a record, where the target does.
func (t *target) tell(r *record) {
	w := t.world
	if w.set.targetTells {
		w.sendFrom("crm", told{id: fmt.Sprintf("edit_%s_%d", r.id, r.now().revision), customer: r.id, at: w.now + w.set.targetClock})
	}
}

// view is a state as the target tells it.
func (w *world) view(r *record, s state) status.TargetRecord {
	v := status.TargetRecord{ID: r.id, Value: s.value, EditedAt: w.at(w.set.tells(s.at))}
	if r.keyed {
		v.Keys = keysOf(r.owner)
	}
	c := w.set.class
	if c.conditional() {
		v.Revision = fmt.Sprint(s.revision)
	}
	if c.writer() {
		v.Actor = s.by
	}
	if c.fieldTime() {
		v.EditedAt, v.FieldTime, v.Actor = w.at(w.set.tells(s.valueAt)), true, s.valueBy
	}
	v.By = string(v.Actor)
	return v
}

// follows is the target as the path uses it.
type follows struct{ *world }

// Find implements connector.Target.
func (f follows) Find(ctx context.Context, key, value string) ([]status.TargetRecord, error) {
	var found []status.TargetRecord
	err := f.call(ctx, opFind, "", func(t *task) error {
		t.found = 0
		for _, r := range f.target.records {
			if r.gone || r.late > f.now || !r.keyed {
				continue
			}
			same := keysOf(r.owner)[key] == value
			if same {
				t.found++
			}
			// A search also finds what is only like it.
			if same || f.rng.IntN(4) == 0 {
				found = append(found, f.view(r, r.now()))
			}
		}
		return nil
	})
	return found, err
}

// Read implements connector.Target.
func (f follows) Read(ctx context.Context, id string) (status.TargetRecord, error) {
	var record status.TargetRecord
	asked := f.now
	err := f.call(ctx, opRead, id, func(t *task) error {
		if t.unproved && !f.set.readBack {
			return failure(false, 503, nil)
		}
		r := f.target.record(id)
		if r == nil || r.gone || r.late > f.now {
			t.page = false // the tool itself says so, whatever a gateway said of a call before
			return gone()
		}
		s := r.now()
		t.stale = false
		if fault, ok := f.take(opStaleRead, id); ok {
			if old := r.was(f.now - fault.N); old.revision != s.revision {
				f.coverage.hit("fault", "stale read")
				s, t.stale = old, true
			}
		}
		t.read, t.readAt, t.looked = s, asked, &look{asked, t.stale, s.value}
		record = f.view(r, s)
		return nil
	})
	return record, err
}

// Write implements connector.Target.
func (f follows) Write(ctx context.Context, record status.TargetRecord, value string) (*status.TargetRecord, error) {
	t := f.current
	if err := f.turn(ctx, opWrite); err != nil {
		return nil, err
	}
	if !t.pass("before the send", f.latency()/4) {
		return nil, errDead
	}
	if late(ctx, f.now) {
		return nil, outOfTime()
	}
	for _, x := range watches {
		if x.sent != nil {
			x.sent(f.world, t, record, value)
		}
	}
	s := &sending{attempt: t.attempt, record: record, value: value, at: f.now}
	err := f.transmit(ctx, t, s)
	t.unproved = err != nil && connector.FailureOf(err).Effect == connector.EffectUnknown
	if err != nil || !f.set.answers {
		return nil, err
	}
	return s.shown, nil
}

// sending is a write on the wire.
type sending struct {
	attempt
	record status.TargetRecord
	value  string
	at     int64
	// late: it arrives after its sender was told that it failed.
	late bool
	// elsewhere: it arrives in an account that is none of ours any more.
	elsewhere bool
	// answer is what the target says when it has arrived.
	answer error
	shown  *status.TargetRecord
}

// arrive is the effect of a write.
func (f follows) arrive(s *sending) {
	w := f.world
	w.arrived(s)
	r := w.target.record(s.record.ID)
	switch {
	case s.elsewhere || r == nil || r.gone || r.late > f.now:
		s.answer = gone()
		return
	case w.target.options != nil && !slices.Contains(w.target.options, s.value) && w.set.lies:
		w.coverage.hit("fault", "lie")
		s.show(w, r)
		return
	case w.target.options != nil && !slices.Contains(w.target.options, s.value):
		w.coverage.hit("fault", "option list")
		s.answer = failure(true, 422, nil)
		return
	case w.set.class.conditional() && fmt.Sprint(r.now().revision) != s.record.Revision:
		w.coverage.hit("fault", "moved")
		s.answer = failure(true, 412, nil)
		return
	}
	for _, x := range watches {
		if x.landed != nil {
			x.landed(w, s, r)
		}
	}
	r.landed = max(r.landed, s.version)
	w.target.edit(r, w.spelled(s.value), status.ActorUs)
	last := &r.states[len(r.states)-1]
	last.landed, last.late, last.sent = true, s.late, s.value
	s.show(w, r)
}

// show puts the record into the answer.
func (s *sending) show(w *world, r *record) {
	v := w.view(r, r.now())
	s.shown = &v
}
