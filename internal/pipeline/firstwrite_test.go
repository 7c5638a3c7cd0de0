package pipeline

import (
	"fmt"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// At first contact the source wins over what is there, and not over what a person sets while the
// first write is on its way.
func TestAnEditDuringTheFirstWriteStays(t *testing.T) {
	bad := &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Status: 502, Detail: "bad gateway"}
	targets := map[string]func(*tool){
		"that tells nothing":           func(c *tool) { c.times, c.actor, c.fieldTime = false, false, false },
		"that tells the record's time": func(c *tool) { c.actor, c.fieldTime = false, false },
		"that names the editor":        func(c *tool) { c.fieldTime = false },
		"that tells everything":        func(*tool) {},
	}
	for target, set := range targets {
		for _, write := range []string{"does not arrive", "arrives without an answer", "is refused, since the record has moved"} {
			for _, away := range []time.Duration{0, 15 * time.Second, 25 * time.Minute} {
				t.Run(fmt.Sprintf("a target %s, a write that %s, and %s without the tool", target, write, away), func(t *testing.T) {
					w := newWorld(t, func(w *world) {
						set(w.crm)
						w.crm.conditional = write == "is refused, since the record has moved"
						w.configure = func(s *config.Sync) { s.FirstContact = config.SourceWins }
						w.customer("cus_1", "active", "Active")
					})
					w.pass(time.Hour)
					told := w.change("cus_1", "canceled")
					w.pass(10 * time.Second)
					w.deliver(told)
					var until time.Time
					confirmed := false
					w.crm.fail = func(call, id, value string) error {
						switch {
						case until.IsZero() && call == "write":
							if write == "arrives without an answer" {
								if err := w.crm.put(id, w.crm.view(id).Revision, value); err != nil {
									t.Error(err)
								}
							}
							w.pass(10 * time.Second)
							until = w.clock.now().Add(away)
							w.crm.edit(id, "Paused", status.ActorHuman)
							if w.crm.conditional {
								return nil
							}
							return bad
						case !until.IsZero() && !confirmed:
							confirmed = true
						case w.clock.now().Before(until):
							return bad
						}
						return nil
					}
					w.work()
					w.finish()
					if got := w.crm.value("rec_cus_1"); got != "Paused" {
						t.Errorf("the record holds %s, written %v: %s", got, w.crm.writes, w.stored("cus_1").Reason)
					}
				})
			}
		}
	}
}

// The spelling that was there before a write shows the write, or a person who set it again: an
// older change of the source that is told late does not write over it.
func TestASpellingThatMayBeAPersonsIsNotWrittenOverByAnOlderChange(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.crm.actor, w.crm.fieldTime = false, false
		w.configure = func(s *config.Sync) { s.FirstContact = config.SourceWins }
		w.customer("cus_1", "active", "churned")
	})
	w.pass(time.Hour)
	w.deliver(w.change("cus_1", "canceled"))
	step := 0
	var late store.NewEvent
	w.crm.fail = func(call, _, _ string) error {
		switch {
		case step == 0 && call == "write":
			step = 1
			return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Status: 502, Detail: "bad gateway"}
		case step == 1 && call == "read": // shows that nothing has arrived
			step = 2
		case step == 2 && call == "read": // of the next try, which has read the source
			step = 3
			w.pass(time.Second)
			late = w.change("cus_1", "active")
			w.pass(6 * time.Second)
			w.crm.edit("rec_cus_1", "churned", status.ActorHuman)
		}
		return nil
	}
	w.work()
	w.finish()
	if step != 3 {
		t.Fatal("it came no further than", step)
	}
	w.deliver(late)
	w.finish()
	if len(w.crm.writes) > 0 {
		t.Errorf("written %v: %s", w.crm.writes, w.stored("cus_1").Reason)
	}
	w.exception(status.Conflict)
}
