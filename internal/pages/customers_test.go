package pages

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const hostileName = `<script>alert(1)</script> "Ünsal" & Söhne 🦊 ` + "\u202egnp.exe"

// customer stores a customer with its values, its name and a link.
func (w *world) customer(id, name string) {
	w.Helper()
	ctx := w.Context()
	_, err := w.store.Receive(ctx, []store.NewEvent{{Connection: "billing", Sync: flow, Side: store.SourceSide, ID: "evt_" + id, Customer: id, Value: "canceled", HasValue: true, Payload: []byte(`{"secret":"payload"}`)}})
	w.must(err)
	works, err := w.store.Claim(ctx, flow, 10, time.Minute)
	w.must(err)
	for i := range works {
		k := &works[i]
		w.must(w.store.SaveLink(ctx, k, store.Link{Sync: flow, Customer: k.Customer, TargetID: "rec_" + k.Customer, Rule: "email = email", Confidence: 0.9, By: "rule"}))
		s := store.Settlement{Outcome: status.Applied, Name: name, Email: k.Customer + "@hidden.example", Desired: &store.Desired{Status: "churned", SourceValue: "canceled", Value: "Churned", SeenAt: k.Now},
			Observed: &store.Observed{Status: "active", Value: "Active", SeenAt: k.Now}, Reason: reason.Reason{Code: reason.Written},
			Decision: &store.Decision{Sync: flow, Customer: k.Customer, Action: "write", Outcome: status.Applied, Desired: "Churned", Observed: "Active", Reason: reason.Reason{Code: reason.Untouched}}}
		for _, e := range k.Events {
			s.Events = append(s.Events, store.EventOutcome{Seq: e.Seq, Outcome: status.Applied})
		}
		w.must(w.store.Settle(ctx, k, s))
	}
}

// tells checks what a page says, and what it must not.
func (w *world) tells(got answered, code int, parts ...string) {
	w.Helper()
	if got.code != code {
		w.Errorf("%s answers %d: %s", got.at, got.code, got.words())
	}
	for _, part := range parts {
		if not, ok := strings.CutPrefix(part, "!"); ok == strings.Contains(got.words(), strings.TrimPrefix(part, "!")) {
			w.Errorf("%s: %q in %s", got.at, not, got.words())
		}
	}
	if strings.Contains(got.text, "<script>alert") || strings.Contains(got.words(), "hidden.example") || strings.Contains(got.words(), "payload\"") {
		w.Errorf("%s shows what it must not: %s", got.at, got.words())
	}
}

func TestACustomerIsFoundByNameAndIDAndOpened(t *testing.T) {
	w := newWorld(t)
	w.tells(w.get("/customers"), 200, "No customers yet")
	w.customer("cus_1", "Halden Optics")
	w.customer("cus/2?", hostileName)
	w.tells(w.get("/customers"), 200, "Halden Optics", "cus_1", "Ünsal", "Written")
	w.tells(w.get("/customers?q=HALD"), 200, "1 customer matches “HALD”", "Halden Optics", "!Ünsal")
	if got := w.get("/customers?q=CUS_1@hidden.example"); !strings.Contains(got.words(), "Halden Optics") {
		t.Errorf("by the address: %s", got.words())
	}
	w.tells(w.get("/customers?q=%3Cscript%3E"), 200, "Ünsal")
	w.tells(w.get("/customers?q=nobody"), 200, "No customer with nobody", "All customers")
	w.tells(w.get("/customers?outcome=parked"), 200, "No customer like this")
	got := w.get("/customers/" + flow + "/" + url.PathEscape("cus/2?"))
	w.tells(got, 200, "Source wants", "Churned", "Target shows", "Active", "We last proved", "Trueup changed CRM: Active → to Churned", "Linked to the record rec_cus/2?", "By the rule email = email", "Nobody yet")
	w.tells(w.get("/customers/"+flow+"/nobody"), 404, "No customer with this id")
}

func TestACustomerWhoseValueHasNoMeaningIsShownWithIt(t *testing.T) {
	w := newWorld(t)
	s := w.config.Syncs[flow]
	s.Ignore = []string{"trialing"}
	w.config.Syncs[flow] = s
	for customer, value := range map[string]string{"cus_1": "on_hold", "cus_2": "trialing", "cus_3": ""} {
		_, err := w.store.Receive(t.Context(), []store.NewEvent{{Sync: flow, Customer: customer, Connection: "billing", ID: "evt_" + customer, Side: store.SourceSide}})
		w.must(err)
		work, _, err := w.store.ClaimOne(t.Context(), flow, customer, 0, time.Minute)
		w.must(err)
		w.must(w.store.Settle(t.Context(), &work, store.Settlement{Outcome: status.Parked, Desired: &store.Desired{SourceValue: value, SeenAt: work.Now}}))
	}
	w.tells(w.get("/customers"), 200, "cus_1 on_hold No meaning yet", "cus_2 trialing Ignored", "cus_3 Not known")
	w.tells(w.get(customerPath(flow, "cus_1")), 200, "on_hold No meaning yet", "!Not known yet")
	w.tells(w.get(customerPath(flow, "cus_2")), 200, "trialing Ignored")
	w.tells(w.get(customerPath(flow, "cus_3")), 200, "Not known yet")
}

// Undo puts nothing back once someone has edited the record.
func (w *world) Undo(_ context.Context, sync, customer, who string) (contract.Undone, error) {
	if w.edited {
		return contract.Undone{}, &exceptions.RefusedError{Why: "nothing was written: someone edited the record since", Hint: "leave it as it is"}
	}
	return contract.Undone{Sync: sync, Customer: customer, From: "Churned", To: "Active", By: who}, nil
}

func TestTwoValuesAreComparedOnlyWhereBothAreKnown(t *testing.T) {
	sign := regexp.MustCompile(`aria-label="(differs from|equals)"`)
	for _, c := range []struct {
		name     string
		observed *store.Observed
		base     *store.Base
		want     string
	}{
		{"the target was not read", nil, nil, ""},
		{"nothing was proved", &store.Observed{Value: "Active"}, nil, "differs from"},
		{"all three are known", &store.Observed{Value: "Active"}, &store.Base{Known: true, Value: "Active"}, "differs from, equals"},
		{"the target was emptied", &store.Observed{}, &store.Base{Known: true, Value: "Active"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.store.Receive(t.Context(), []store.NewEvent{{Sync: flow, Customer: "cus_1", Connection: "billing", ID: "evt_1", Side: store.SourceSide}})
			w.must(err)
			work, _, err := w.store.ClaimOne(t.Context(), flow, "cus_1", 0, time.Minute)
			w.must(err)
			w.must(w.store.Settle(t.Context(), &work, store.Settlement{Outcome: status.Held, Desired: &store.Desired{SourceValue: "canceled", Value: "Churned"}, Observed: c.observed, Base: c.base}))
			var found []string
			for _, one := range sign.FindAllStringSubmatch(w.get("/customers/"+flow+"/cus_1").text, -1) {
				found = append(found, one[1])
			}
			if got := strings.Join(found, ", "); got != c.want {
				t.Errorf("the signs are %q, not %q", got, c.want)
			}
		})
	}
}

func TestAWriteIsPutBackUnlessSomeoneHasEditedSince(t *testing.T) {
	w := newWorld(t)
	w.customer("cus_1", "Halden Optics")
	path := customerPath(flow, "cus_1")
	w.tells(w.get(path), 200, "!Put it back")
	_, err := w.store.Receive(t.Context(), []store.NewEvent{{Connection: "billing", Sync: flow, Side: store.SourceSide, ID: "evt_2", Customer: "cus_1"}})
	w.must(err)
	work, _, err := w.store.ClaimOne(t.Context(), flow, "cus_1", 0, time.Minute) // at once, although it was just looked at
	w.must(err)
	w.must(w.store.Settle(t.Context(), &work, store.Settlement{Outcome: status.Applied, Observed: &store.Observed{Status: "churned", Value: "Churned", SeenAt: work.Now},
		LastWrite: &store.LastWrite{RecordID: "rec_cus_1", Before: "Active", Sent: "Churned", Value: "Churned", At: work.Now}}))
	w.tells(w.get(path), 200, "Trueup changed CRM", "Put it back", "Active is written again")
	filled := customerPath(flow, "cus_2")
	w.customer("cus_2", "Cobalt Freight")
	_, err = w.store.Receive(t.Context(), []store.NewEvent{{Connection: "billing", Sync: flow, Side: store.SourceSide, ID: "evt_3", Customer: "cus_2"}})
	w.must(err)
	work, _, err = w.store.ClaimOne(t.Context(), flow, "cus_2", 0, time.Minute)
	w.must(err)
	w.must(w.store.Settle(t.Context(), &work, store.Settlement{Outcome: status.Applied, Observed: &store.Observed{Status: "churned", Value: "Churned", SeenAt: work.Now},
		LastWrite: &store.LastWrite{RecordID: "rec_cus_2", Sent: "Churned", Value: "Churned", At: work.Now}}))
	w.tells(w.get(filled), 200, "The field was empty before", "clear it in CRM", "!Put it back")
	w.edited = true
	w.tells(w.post(path+"/undo"), 409, "It was not put back", "someone edited the record since", "Leave it as it is")
	w.edited = false
	w.tells(w.post(path+"/undo"), 200, "Put back and proved: Churned → Active")
	w.person.Role = store.Viewer
	w.tells(w.get(path), 200, "Putting it back needs the role operator")
	w.tells(w.post(path+"/undo"), 403)
}

func TestAListOfCustomersPagesByKey(t *testing.T) {
	w := newWorld(t)
	for i := range listed + 5 {
		w.customer("cus_"+string(rune('a'+i/26))+string(rune('a'+i%26)), "Company "+string(rune('a'+i/26)))
	}
	first := w.get("/customers?q=comp")
	w.tells(first, 200, "The first 50 customers that match “comp”", "cus_aa", "!cus_cc")
	at := strings.Index(first.text, `href="/customers?after=`)
	if at < 0 {
		t.Fatal(first.words())
	}
	more, _, _ := strings.Cut(first.text[at+len(`href="`):], `"`)
	w.tells(w.get(strings.ReplaceAll(more, "&amp;", "&")), 200, "cus_cc", "!cus_aa")
}

func TestALinkIsConfirmedAndRemovedOnlyAsItWasShown(t *testing.T) {
	w := newWorld(t)
	w.customer("cus_1", "Halden Optics")
	path := customerPath(flow, "cus_1")
	w.tells(w.post(path+"/confirm", "record", "rec_other"), 409, "The link has changed since you opened the page")
	w.tells(w.post(path+"/confirm", "record", "rec_cus_1"), 200, "Confirmed: Halden Optics is the record rec_cus_1", "Dana Reyes")
	w.tells(w.post(path+"/unlink", "record", "rec_other"), 409, "Nothing was changed")
	w.tells(w.post(path+"/unlink", "record", "rec_cus_1"), 200, "The link is removed", "Not linked to a record of CRM")
	w.tells(w.get("/activity"), 200, "Dana Reyes Removed the link of Halden Optics Page", "Said that Halden Optics is the")
	w.person.Role = store.Viewer
	w.tells(w.get(path), 200, "needs the role operator", "!Remove the link")
	w.tells(w.post(path+"/unlink", "record", "x"), 403)
}

func TestACustomerIsPinnedWithAReasonAndUnpinned(t *testing.T) {
	w := newWorld(t)
	w.customer("cus_1", hostileName)
	path := customerPath(flow, "cus_1")
	w.tells(w.post(path+"/pin", "reason", " "), 422, "A reason is missing")
	w.tells(w.post(path+"/pin", "reason", "x", "until", "2001-01-01"), 422, "not a day to come")
	w.tells(w.post(path+"/pin", "reason", "<b>disputed</b>"), 200, "Pinned by Dana Reyes", "&lt;b&gt;disputed")
	w.tells(w.post(path+"/unpin"), 200, "Unpinned.")
	w.tells(w.post(path+"/unpin"), 200, "was not pinned")
	w.tells(w.get("/activity?what=customers"), 200, "Reason: &lt;b&gt;disputed", "Unpinned")
}

func TestForgettingWantsAnAdminAndTheIDTyped(t *testing.T) {
	w := newWorld(t)
	w.customer("cus_1", "Halden Optics")
	path := customerPath(flow, "cus_1") + "/forget"
	w.tells(w.get(path), 403, "needs the role admin")
	w.person.Role = store.Admin
	w.tells(w.get(path), 200, "Forget Halden Optics", "Links 1", "Type the customer’s id: cus_1")
	w.tells(w.post(path, "id", "cus_2"), 422, "not the customer’s id")
	w.pages.patience = time.Minute
	got := w.post(path, "id", "cus_1")
	w.tells(got, 200, "Erased. The customer is now called forgotten-", "!Halden", "!cus_1", "This customer was forgotten")
	w.tells(w.get("/activity"), 200, "Forgot a customer, who is now called forgotten-", "!cus_1")
	w.tells(w.get("/customers?q=halden"), 200, "No customer with halden")
}

func TestActivityIsFilteredAndPaged(t *testing.T) {
	w := newWorld(t)
	w.tells(w.get("/activity"), 200, "Nobody has changed anything yet")
	ctx := store.By(t.Context(), "ana@example.com via api:bot", store.ByAPI)
	for range listed + 1 {
		w.must(w.store.Record(ctx, store.Activity{Sync: flow, Act: reason.Reason{Code: reason.ActPaused}, Why: "importing"}))
	}
	got := w.get("/activity")
	w.tells(got, 200, "Today, ", "bot Paused customer-status, for ana@example.com", "Reason: importing", "API", "Older")
	if n := strings.Count(got.text, `<span class="via">`); n != listed {
		t.Errorf("%d lines", n)
	}
	at := strings.Index(got.text, `href="/activity?before=`)
	older, _, _ := strings.Cut(got.text[at+len(`href="`):], `"`)
	if n := strings.Count(w.get(strings.ReplaceAll(older, "&amp;", "&")).text, `<span class="via">`); n != 1 {
		t.Errorf("%d older lines", n)
	}
	w.tells(w.get("/activity?who=ben"), 200, "Nobody changed anything like this")
	w.tells(w.get("/activity?who=bot&what=mode&sync="+flow+"&since=today"), 200, "Paused customer-status")
	w.tells(w.get("/activity?what=nothing&since=never&before=x"), 200, "Nobody changed anything like this")
}
