package pipeline

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// Ids that could be any number: what a sentence of ours says of them must not
// decide whether they are found.
const (
	forgottenID, herRecord = "4711", "903"
	hisID                  = "12"
)

// namings bring the path to name one customer where it speaks of another, or to
// name her record.
var namings = map[string]struct {
	bring func(w *world)
	says  string // where she is named
}{
	"another was merged into her in the source": {func(w *world) {
		w.customer(hisID, "active", "")
		w.carry(hisID, "active")
		w.billing.merge(hisID, forgottenID)
		w.deliver(w.told(hisID))
	}, `"customer":"4711"`},
	"another matches her record": {func(w *world) {
		w.billing.records[hisID] = &record{value: "active", editedAt: w.clock.now(), keys: keysOf("jane")}
		w.carry(hisID, "past_due")
	}, `"customer":"4711"`},
	"another's record was merged into hers": {func(w *world) {
		w.customer(hisID, "active", "")
		w.carry(hisID, "active")
		w.crm.merge("rec_"+hisID, herRecord)
		w.deliver(w.change(hisID, "past_due"))
	}, `"survivor":"903"`},
	"her own record is gone": {func(w *world) {
		w.crm.merge(herRecord, "")
		w.deliver(w.change(forgottenID, "past_due"))
	}, `"record":"903"`},
	"her own record was merged into one that is gone": {func(w *world) {
		w.crm.merge(herRecord, "904")
		w.deliver(w.change(forgottenID, "past_due"))
	}, `"survivor":"904"`},
	"her record was another's and is gone": {func(w *world) {
		w.must(w.db.RemoveLink(w.Context(), syncName, forgottenID, "ana"))
		w.customer(hisID, "active", "")
		w.must(w.db.SetLink(w.Context(), store.Link{Sync: syncName, Customer: hisID, TargetID: herRecord, By: "person", Confidence: 1}))
		w.crm.merge(herRecord, "")
		w.deliver(w.change(hisID, "past_due"))
		w.finish()
		w.must(w.db.RemoveLink(w.Context(), syncName, hisID, "ana"))
		w.must(w.db.SetLink(w.Context(), store.Link{Sync: syncName, Customer: forgottenID, TargetID: herRecord, By: "person", Confidence: 1}))
	}, `"record":"903"`},
	"her id is the id of an event, of hers and of another's": {func(w *world) {
		w.customer(hisID, "active", "")
		for _, customer := range []string{forgottenID, hisID} {
			e := w.change(customer, "past_due")
			e.ID = forgottenID
			w.deliver(e)
		}
	}, `"event":"4711"`},
	"her id is the id of another's event, who came first": {func(w *world) {
		w.customer(hisID, "active", "")
		for _, customer := range []string{hisID, forgottenID} {
			e := w.change(customer, "past_due")
			e.ID = "customer.updated"
			w.deliver(e)
		}
	}, ""},
}

// told is an event about a customer of whom the source has no record.
func (w *world) told(id string) store.NewEvent {
	w.events++
	payload, err := json.Marshal(said{id, "active"})
	w.must(err)
	return store.NewEvent{Connection: "billing", Sync: syncName, Side: store.SourceSide, ID: "told " + id, Customer: id, OccurredAt: w.clock.now(), Payload: payload}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func TestWhoIsForgottenStandsInNoSentence(t *testing.T) {
	for engine, dsn := range map[string]func(testing.TB) string{"sqlite": func(t testing.TB) string { return storetest.File(t) }, "postgres": pgtest.DSN} {
		for name, tt := range namings {
			t.Run(engine+": "+name, func(t *testing.T) {
				w := newWorld(t, func(w *world) { w.dsn = dsn(t) })
				w.billing.records[forgottenID] = &record{value: "active", editedAt: w.clock.now(), keys: keysOf("jane")}
				w.crm.records[herRecord] = &record{editedAt: w.clock.now(), keys: keysOf("jane")}
				w.carry(forgottenID, "active")
				w.pass(time.Hour)
				tt.bring(w)
				w.finish()
				before := storetest.Standing(t, engine, w.dsn, forgottenID, herRecord)
				if !strings.Contains(strings.Join(before, "\n"), tt.says) {
					t.Fatalf("nothing says %q:\n%s", tt.says, strings.Join(before, "\n"))
				}
				_, err := w.db.Forget(t.Context(), syncName, forgottenID, forgottenID)
				w.must(err)
				if left := storetest.Standing(t, engine, w.dsn, forgottenID, herRecord, "904"); len(left) > 0 {
					t.Errorf("she stands in\n%s", strings.Join(left, "\n"))
				}
				if c, err := w.db.Customer(t.Context(), syncName, hisID); err == nil && c.Outcome == "" {
					t.Errorf("the other is %+v", c)
				}
			})
		}
	}
}

// What a text says of others stays: only who is known to be named is looked for.
func TestANumberThatIsNobodysNameStays(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("2", "active", "")
	w.crm.records["rec_3"] = &record{editedAt: w.clock.now(), keys: keysOf("3")}
	w.crm.records["rec_4"] = &record{editedAt: w.clock.now(), keys: keysOf("3")}
	w.billing.records["3"] = &record{value: "active", editedAt: w.clock.now(), keys: keysOf("3")}
	w.carry("2", "past_due")
	w.carry("3", "past_due")
	before := w.exception(status.AmbiguousMatch).Reason.Sentence()
	_, err := w.db.Forget(t.Context(), syncName, "2", "2")
	w.must(err)
	if after := w.exception(status.AmbiguousMatch).Reason.Sentence(); after != before || !strings.Contains(before, "2 records in crm match") {
		t.Errorf("%q became %q", before, after)
	}
}
