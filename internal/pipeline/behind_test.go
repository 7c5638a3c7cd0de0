package pipeline

import (
	"testing"
	"time"

	"trueup/internal/store"
)

func TestALookSoonAfterAChangeIsNotTakenBackByACopy(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(time.Hour)
	w.carry("cus_1", "canceled")
	w.billing.behind = 5 * time.Second // the next answer is from another copy
	w.pass(time.Second)
	w.deliver(store.NewEvent{Connection: "crm", Sync: syncName, Side: store.TargetSide, ID: "edit_1", Customer: "rec_cus_1"})
	w.finish()
	if got := w.crm.value("rec_cus_1"); got != "Churned" {
		t.Errorf("the target holds %q", got)
	}
}

func TestOfTwoQuickChangesACopyDoesNotKeepTheFirst(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(time.Hour)
	w.billing.behind = 5 * time.Second
	first := w.change("cus_1", "past_due")
	w.pass(time.Second)
	w.deliver(first, w.change("cus_1", "canceled")) // the copy shows past_due
	w.finish()
	if got := w.crm.value("rec_cus_1"); got != "Churned" {
		t.Errorf("the target holds %q", got)
	}
}
