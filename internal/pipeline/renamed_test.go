package pipeline

import (
	"slices"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// lookAgain is what a person asks for at a customer's exceptions.
func (w *world) lookAgain(customer string) {
	w.Helper()
	found, err := w.db.Exceptions(w.Context(), store.ExceptionFilter{Customer: customer, States: []status.State{status.Open}})
	if err != nil || len(found) == 0 {
		w.Fatalf("there is nothing to look at again: %v", err)
	}
	if _, err := w.db.Act(w.Context(), store.Act{Exception: found[0].ID, Verb: store.Retry, Who: "ana"}); err != nil {
		w.Fatal(err)
	}
	w.finish()
}

// What a source has told stays told under a name that the file does not have any
// more, and what is open stays open: that a connection with another name has not
// told of a customer is no success.
func TestASourceUnderAnotherNameClosesNothing(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.cannotAsk = true
		w.configure = func(s *config.Sync) { s.FirstContact = config.SourceWins }
	})
	w.customer("word", "active", "Active")
	w.customer("nobody", "active", "Active")
	w.crm.records["rec_nobody"].keys = keysOf("somebody")
	w.carry("word", "on_hold")
	w.carry("nobody", "canceled")
	if open := w.open(); !slices.Equal(open["word"], []status.Kind{status.UnmappedStatus}) || !slices.Equal(open["nobody"], []status.Kind{status.Unmatched}) {
		t.Fatalf("open are %v", open)
	}
	w.called, w.mapped = "bill2", map[status.Status][]string{"paused": {"on_hold"}}
	w.crm.records["rec_nobody"].keys = keysOf("nobody")
	w.start()
	for customer, kind := range map[string]status.Kind{"word": status.UnmappedStatus, "nobody": status.Unmatched} {
		w.lookAgain(customer)
		if open := w.open()[customer]; !slices.Contains(open, kind) || !slices.Contains(open, status.ConnectionFailed) {
			t.Errorf("%s: open are %v: nothing was carried", customer, open)
		}
		if c := w.stored(customer); c.Outcome != status.Parked || !strings.Contains(c.Reason.Advice(), "was: billing") {
			t.Errorf("%s ended %s: %s", customer, c.Outcome, c.Reason)
		}
	}
	// Under the name that the events have, both are carried.
	w.called = ""
	w.start()
	w.lookAgain("word")
	w.lookAgain("nobody")
	if len(w.open()) > 0 || w.crm.value("rec_word") != "Paused" || w.crm.value("rec_nobody") != "Churned" {
		t.Errorf("open are %v, the target holds %s and %s", w.open(), w.crm.value("rec_word"), w.crm.value("rec_nobody"))
	}
}

// A customer of whom nobody has told at all has an exception from elsewhere, such
// as from a comparison: it stays until he is carried.
func TestThatNobodyHasToldOfACustomerClosesNothing(t *testing.T) {
	w := newWorld(t, func(w *world) { w.cannotAsk = true })
	if _, err := w.db.OpenException(t.Context(), store.NewException{Sync: syncName, Customer: "cus", Kind: status.Unmatched, Stage: status.StageMatch, Reason: reason.Text("x")}); err != nil {
		t.Fatal(err)
	}
	w.claimByHand("cus")
	if open := w.open()["cus"]; !slices.Equal(open, []status.Kind{status.Unmatched}) {
		t.Errorf("open are %v", open)
	}
}

// claimByHand carries a customer of whom no event came.
func (w *world) claimByHand(customer string) {
	w.Helper()
	at := w.clock.now()
	work, ok, err := w.db.ClaimOne(w.Context(), syncName, customer, 0, w.f.Lease)
	if err != nil || !ok {
		w.Fatalf("%s cannot be claimed: %v", customer, err)
	}
	w.f.carry(w.Context(), &work, claimWindow{sent: at, answered: at})
}
