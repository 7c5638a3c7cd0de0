package sim

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// drawProof draws, from numbers of its own, what a target says and shows of a
// write: it may answer 200 to a value that is none of its options, keep a value
// in a spelling of its own, and answer with the record.
func (s *setting) drawProof(seed uint64) {
	r := rand.New(rand.NewPCG(seed, 19))
	s.lies, s.answers = r.IntN(6) == 0, r.IntN(2) == 0
	if r.IntN(8) == 0 {
		s.respells = one(r, targetValues...)
	}
}

// beginLying takes an option away; in the calm it is there again.
func (t *target) beginLying() {
	if t.world.set.lies {
		gone := one(rand.New(rand.NewPCG(uint64(len(t.records)), 4)), targetValues...)
		t.options = slices.DeleteFunc(slices.Clone(targetValues), func(v string) bool { return v == gone })
	}
}

// spelled is a value of ours as the target keeps it.
func (w *world) spelled(value string) string {
	if value != "" && value == w.set.respells {
		w.coverage.hit("fault", "respelled")
		return w.set.spelling()
	}
	return value
}

// spelling is how it keeps that value.
func (s setting) spelling() string { return strings.ToLower(s.respells) + " " }

// taken is a write that the target says it has done, and does not show.
type taken struct {
	record, value string
	at            int64
}

// notAgain: what the target has spelled its own way is not sent once more, and
// what it says it has done not at each further try.
var notAgain = watch{claimed: func(w *world, work *store.Work, _ []string) {
	if work.Attempts == 0 { // an event, or a person who asks for another try
		delete(w.facts.taken, work.Customer)
	}
}, settled: func(w *world, _ *task, work *store.Work, s store.Settlement) {
	for _, i := range work.Intents {
		if s.Attempts > 0 && slices.Contains(s.Accepted, i.ID) {
			w.facts.taken[work.Customer] = taken{i.RecordID, i.Value, ms(i.SentAt)}
		}
	}
}, sent: func(w *world, t *task, record status.TargetRecord, value string) {
	if t.work == nil {
		return
	}
	// Other tries have begun since when the source changed.
	was := w.facts.taken[t.work.Customer]
	if was.record == record.ID && was.value == value && ms(t.work.FirstTry) <= was.at {
		w.fail(16, "not again", "%s is sent to %s again, which said that it was done and does not show it", value, record.ID)
	}
}, landed: func(w *world, s *sending, r *record) {
	held := r.now()
	if !held.landed || held.sent != s.value || held.value == s.value {
		return
	}
	if s.work.Ruling.Kind == store.RuledForSource && s.work.Ruling.Desired == s.value {
		return // an owner said so, of a value that a person had spelled like the target
	}
	// A write that finds the target's spelling there already changes nothing that
	// a look would show, and what a look showed of someone who was forgotten is gone.
	unseen := s.work.Base.Sent == "" && (len(r.states) > 1 && r.states[len(r.states)-2].value == held.value || w.wasForgotten(s.work.Customer, held.valueAt))
	if unseen || held.valueAt < w.facts.accounts.leftAt || s.late || s.stale || held.at >= s.readAt || w.now > held.valueAt+intentLife && s.work.Base.Sent == "" {
		w.coverage.hit("bounded", "spelled so unseen")
		return
	}
	explained := slices.ContainsFunc(s.work.Intents, func(i store.Intent) bool {
		return i.ID < s.intentID && i.RecordID == r.id && i.Value == s.value && !i.Seen && i.Prior != held.value
	})
	if held.late && s.work.Base.Sent == "" && !explained {
		// It landed on top of what was proved since, and its value had been found
		// before: no write that is still open accounts for it.
		w.coverage.hit("bounded", "spelled so by a late write")
		return
	}
	w.fail(16, "not again", "%s holds %q, which is how it keeps the %s that was sent before", r.id, held.value, s.value)
}}
