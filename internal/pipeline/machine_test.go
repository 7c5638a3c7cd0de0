package pipeline

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// machine is a random life of one customer: changes, late and repeated events,
// people's edits, failures and crashes.
type machine struct {
	*world
	waiting []store.NewEvent // told, and not yet delivered
	// worth counts what may each be worth one write: a change of the source, a
	// foreign edit, a failure that hides whether a write arrived.
	worth int
	// doubtful are the values of writes without an answer, and when they were sent.
	doubtful map[string]time.Time
}

var sourceValues = []string{"active", "trialing", "paused", "past_due", "canceled"}

func TestARandomLifeEndsInAgreementOrAHold(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{doubtful: map[string]time.Time{}, world: newWorld(t, func(w *world) {
			w.quiet = true
			w.cannotAsk = rapid.Bool().Draw(rt, "the source cannot be asked")
			w.crm.conditional = rapid.Bool().Draw(rt, "conditional writes")
			w.crm.fieldTime = rapid.Bool().Draw(rt, "the field has its own time")
			w.crm.actor = rapid.Bool().Draw(rt, "the editor is known")
			w.crm.times = rapid.Bool().Draw(rt, "edits have times")
		})}
		m.customer("cus_1", "active", "")
		m.tell("active")
		rt.Repeat(map[string]func(*rapid.T){
			"the source changes": func(t *rapid.T) { m.tell(rapid.SampledFrom(sourceValues).Draw(t, "value")) },
			"an event arrives": func(t *rapid.T) {
				if len(m.waiting) == 0 {
					return // none waits
				}
				i := rapid.IntRange(0, len(m.waiting)-1).Draw(t, "which")
				m.deliver(m.waiting[i])
				if rapid.Bool().Draw(t, "for the last time") {
					m.waiting = slices.Delete(m.waiting, i, i+1)
				}
			},
			"a person edits": func(t *rapid.T) {
				to := rapid.SampledFrom([]string{"Active", "Paused", "Churned"}).Draw(t, "to")
				sees := m.crm.fieldTime && m.crm.actor && m.crm.times
				if sent, ok := m.doubtful[to]; ok && !m.crm.actor && m.clock.now().Before(sent.Add(2*intentLife)) {
					return // nobody could tell it from a write of ours that may arrive late
				}
				base, observed := m.known()
				if !sees && base == to || !(m.crm.times && m.crm.fieldTime) && observed == to {
					return // nobody could tell it from an edit of another field, or sees none
				}
				m.pass(time.Minute)
				m.crm.edit("rec_cus_1", to, status.ActorHuman)
				m.worth++
				m.pass(time.Minute)
			},
			"work":          func(*rapid.T) { m.work() },
			"time passes":   func(t *rapid.T) { m.pass(time.Duration(rapid.IntRange(1, 4000).Draw(t, "seconds")) * time.Second) },
			"a call fails":  func(t *rapid.T) { m.trouble(t) },
			"it is started": func(*rapid.T) { m.start() },
			"a crash": func(t *rapid.T) {
				// A claim of a process that died: nobody carries it, and
				// its lease runs out.
				if _, _, err := m.f.claim(m.Context(), 1); err != nil {
					m.Fatal(err)
				}
				m.start()
				m.pass(DefaultLease)
			},
			"": func(t *rapid.T) {
				if len(m.crm.overwrote) > 0 {
					t.Fatalf("a person's newer edit was written over: %v", m.crm.overwrote)
				}
				for _, w := range m.crm.writes {
					if w.from == w.to {
						t.Fatalf("an equal value was written: %v", m.crm.writes)
					}
				}
				if len(m.crm.writes) > m.worth {
					t.Fatalf("%d writes for %d reasons: %v", len(m.crm.writes), m.worth, m.crm.writes)
				}
			},
		})
		m.end(rt)
	})
}

// tell changes the source; the event about it waits to arrive.
func (m *machine) tell(value string) {
	m.pass(time.Minute)
	if m.events > 0 && m.billing.value("cus_1") == value {
		return
	}
	m.worth++
	m.waiting = append(m.waiting, m.change("cus_1", value))
	m.pass(time.Minute)
}

// trouble makes the next write go wrong, before or after its effect.
func (m *machine) trouble(t *rapid.T) {
	fail := times(1, "write", unknown())
	if rapid.Bool().Draw(t, "after the effect") {
		fail = timesOutAfterTheEffect(m.world, 1)
	}
	m.crm.fail = func(call, id, value string) error {
		if call == "write" {
			m.doubtful[value] = m.clock.now()
		}
		return fail(call, id, value)
	}
	m.worth++
}

// known is what the target was last proved and last seen to hold.
func (m *machine) known() (base, observed string) {
	found, err := m.db.Customers(context.Background(), syncName, "cus_1")
	if err != nil || len(found) == 0 {
		return "", ""
	}
	return found[0].Base.Value, found[0].Observed.Value
}

// end lets everything arrive and be carried, and checks how it stands.
func (m *machine) end(t *rapid.T) {
	m.crm.fail = nil
	m.deliver(m.waiting...)
	// The latest change is told of once more, so that what people did to the
	// target since is looked at.
	changed := m.lastChange["cus_1"]
	again := m.change("cus_1", m.billing.value("cus_1"))
	again.OccurredAt, m.lastChange["cus_1"] = changed, changed
	m.deliver(again)
	m.pass(DefaultLease)
	m.finish()
	c := m.stored("cus_1")
	desired, err := m.f.mapping.Source(m.billing.value("cus_1"))
	if err != nil {
		t.Fatal(err)
	}
	// What was told of an earlier try at the write is open until the write is passed.
	held, others := false, false
	for _, kind := range m.open()["cus_1"] {
		held = held || kind == status.Conflict || kind == status.FirstContact
		others = others || kind != status.Conflict && kind != status.FirstContact && kind != status.WriteFailed
	}
	held = held && !others
	switch {
	case m.crm.value("rec_cus_1") == desired.Value:
		if c.Base.Value != desired.Value || len(m.open()) != 0 {
			t.Fatalf("they agree, and the base is %+v, open are %v", c.Base, m.open())
		}
	case !held:
		t.Fatalf("billing wants %s, the target holds %s, open are %v, outcome %s: %s", desired.Value, m.crm.value("rec_cus_1"), m.open(), c.Outcome, c.Reason)
	}
	for _, o := range m.ended("cus_1") {
		if o == "" {
			t.Fatalf("an event has no outcome: %v", m.ended("cus_1"))
		}
	}
}
