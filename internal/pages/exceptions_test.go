package pages

import (
	"context"
	"encoding/csv"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/mapchange"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func (w *world) MayLink(_ context.Context, _, customer, targetID string, force bool) error {
	if targetID == "rec_bens" && !force {
		return exceptions.Anothers(customer, "record rec_bens has the email of customer ben")
	}
	return nil
}

func (w *world) Compare(_ context.Context, x store.Exception) (contract.Comparison, error) {
	field := func(l identity.Likeness) []contract.ComparedField {
		return []contract.ComparedField{{Field: "email", Value: "ana@example.com", Likeness: l}}
	}
	c := contract.Comparison{Exception: x.ID, Sync: x.Sync, Customer: contract.ComparedRecord{Connection: "billing", ID: x.Customer, Value: x.SourceValue, Fields: field("")}}
	if l, err := w.store.Link(w.Context(), x.Sync, x.Customer); err == nil && x.ID == 0 {
		c.Customer.Status, c.Customer.Value = "churned", "canceled"
		c.Candidates = append(c.Candidates, contract.ComparedRecord{Connection: "crm", ID: l.TargetID, Linked: true, Status: w.shows, Value: "VIP", Fields: field(identity.Same)})
	}
	for _, one := range x.Candidates {
		c.Candidates = append(c.Candidates, contract.ComparedRecord{Connection: "crm", ID: one.TargetID, Confidence: one.Confidence, Fields: field(identity.Close)})
	}
	return c, nil
}

func (w *world) PreviewMeaning(_ context.Context, r mapchange.Request) (contract.MapChange, error) {
	return contract.MapChange{Sync: r.Sync, Value: r.Value, Meaning: r.Meaning, Digest: "d1", Lines: []contract.FileLine{{Number: 7, Change: contract.LineAdded, Text: "      " + r.Meaning + ": [" + r.Value + "]"}},
		Effect: contract.MapEffect{Customers: 2, Summary: "2 customers change to " + r.Meaning + "."}}, nil
}

func (w *world) SaveMeaning(_ context.Context, r mapchange.Request, by mapchange.Seen) (contract.MapSaved, error) {
	if by.Digest != "d1" {
		return contract.MapSaved{}, &mapchange.RefusedError{Why: "trueup.yaml was changed by someone else in the meantime", Hint: "look at the change again",
			Changes: []contract.SettingChange{{Path: "syncs.customer-status.statuses.active.from", From: "active", To: "active, trialing"}}}
	}
	return contract.MapSaved{MapChange: contract.MapChange{Effect: contract.MapEffect{Customers: 2}}, Changed: true, InUse: true}, nil
}

// needs is a customer about whom an exception of a kind is open.
func (w *world) needs(kind status.Kind, customer string) store.Exception {
	w.Helper()
	if customer != "" {
		_, err := w.store.Receive(w.Context(), []store.NewEvent{{Sync: flow, Customer: customer, Connection: "billing", ID: "evt_" + customer, Side: store.SourceSide}})
		w.must(err)
		work, ok, err := w.store.ClaimOne(w.Context(), flow, customer, 0, time.Minute)
		w.must(err)
		if !ok {
			w.Fatalf("%s is not due", customer)
		}
		now, err := w.store.Now(w.Context())
		w.must(err)
		x := w.about(kind, customer)
		w.must(w.store.Settle(w.Context(), &work, store.Settlement{Outcome: status.Parked, Park: &x, Desired: &store.Desired{SourceValue: x.SourceValue, Value: "Churned", SeenAt: now},
			Observed: &store.Observed{Value: x.TargetValue, SeenAt: now, By: "ben"}}))
	} else {
		_, err := w.store.OpenException(w.Context(), w.about(kind, ""))
		w.must(err)
	}
	return w.exception(kind, customer)
}

func (w *world) about(kind status.Kind, customer string) store.NewException {
	x := store.NewException{Sync: flow, Customer: customer, Kind: kind, Stage: status.StageDecide, Reason: reason.Text("so it is"), SourceValue: "canceled", TargetValue: "Active",
		Confidence: 1, Owner: "ops@example.com", Candidates: []status.Candidate{{TargetID: "rec_1", Value: "Active", Confidence: 0.74}}}
	if kind == status.UnmappedStatus {
		x.SourceValue, x.Cause = "grace", "grace"
	}
	return x
}

func (w *world) exception(kind status.Kind, customer string) store.Exception {
	w.Helper()
	found, err := w.store.Exceptions(w.Context(), store.ExceptionFilter{Sync: flow, Kind: kind})
	w.must(err)
	for _, x := range found {
		if x.Customer == customer {
			return x
		}
	}
	w.Fatalf("no %s of %q", kind, customer)
	return store.Exception{}
}

func TestTheListIsDownloadedAsItIsFilteredAndRunsNothingInASpreadsheet(t *testing.T) {
	w := newWorld(t)
	for n := range 600 { // more than is read at once
		w.needs(status.Unmatched, fmt.Sprintf("=cus_%d", n))
	}
	w.needs(status.Conflict, "cus_6")
	w.tells(w.get("/exceptions?kind=unmatched"), 200, "Download as CSV")
	if got := w.get("/exceptions?kind=unmatched"); !strings.Contains(got.text, `href="/exceptions.csv?kind=unmatched"`) {
		t.Error("the download does not have the filters")
	}
	got := w.get("/exceptions.csv?kind=unmatched")
	rows, err := csv.NewReader(strings.NewReader(got.text)).ReadAll()
	w.must(err)
	if len(rows) != 601 || rows[0][2] != "customer" || rows[1][2] != "'=cus_599" || rows[600][2] != "'=cus_0" {
		t.Errorf("%d rows: %v", len(rows), rows[:2])
	}
	if got := w.get("/exceptions.csv"); strings.Count(got.text, "\n") != 602 {
		t.Errorf("%d lines", strings.Count(got.text, "\n"))
	}
	if got := w.get("/exceptions.csv?age=week"); strings.Count(got.text, "\n") != 1 {
		t.Errorf("%d lines", strings.Count(got.text, "\n"))
	}
}

func TestTheListShowsEachCauseWithItsOneAction(t *testing.T) {
	w := newWorld(t)
	for _, customer := range []string{"cus_1", "cus_2", "cus_3", "cus_4"} {
		w.needs(status.Unmatched, customer)
	}
	w.needs(status.UnmappedStatus, "cus_5")
	w.needs(status.Conflict, "cus_6")
	page := w.get("/exceptions")
	for _, want := range []string{"6 customers need a person", "4 customers have no record in CRM", "1 customer has the value grace", "1 customer was changed by a person in CRM", "Look again at all 4", "Show the other 1", "Add to the map", "Decide for cus_6"} {
		if !strings.Contains(page.words(), want) {
			t.Errorf("the page does not say %q:\n%s", want, page.words())
		}
	}
	if rest := w.get("/exceptions?sync=customer-status&kind=unmatched&own=1"); strings.Count(rest.text, `<li id="x`) != 4 {
		t.Errorf("alone, it has %d rows", strings.Count(rest.text, `<li id="x`))
	}
	empty := w.get("/exceptions?state=acknowledged&sync=customer-status&age=week")
	if want := "No acknowledged exception for customer-status that is older than a week. 6 are open."; !strings.Contains(empty.words(), want) || !strings.Contains(empty.text, "Clear the filters") {
		t.Errorf("it says %s", empty.words())
	}
}

func TestTheFilterOfKindsUsesTheWordsOfThePages(t *testing.T) {
	w := newWorld(t)
	got := w.get("/exceptions?kind=conflict")
	if !strings.Contains(got.text, `<option value="conflict" selected>Conflicting edit</option>`) || !strings.Contains(got.text, `<option value="unmatched">No matching record</option>`) {
		t.Errorf("it offers codes: %s", got.text)
	}
	w.says(got, "No open exception of the kind “Conflicting edit”.")
}

func TestChosenExceptionsAreActedOnWithACount(t *testing.T) {
	w := newWorld(t)
	one, two := w.needs(status.Unmatched, "cus_1"), w.needs(status.Unmatched, "cus_2")
	id := func(x store.Exception) string { return fmt.Sprint(x.ID) }
	if got := w.post("/exceptions/act", "to", "/exceptions", "id", id(one), "id", id(two), "verb", "acknowledge"); got.code != http.StatusOK || !strings.Contains(got.words(), "2 customers are acknowledged.") {
		t.Errorf("%d %s: %s", got.code, got.at, got.words())
	}
	if got := w.post("/exceptions/act", "to", "/exceptions", "id", id(one), "id", "99", "verb", "acknowledge"); !strings.Contains(got.words(), "1 had been done already, by Dana Reyes.") || !strings.Contains(got.words(), "1 could not be: exception 99: there is none with this number.") {
		t.Error(got.words())
	}
	if got := w.post("/exceptions/act", "to", "//elsewhere.example", "retry", id(one)); got.at != "/" || !strings.Contains(got.words(), "1 customer is being looked at again.") {
		t.Errorf("%s: %s", got.at, got.words())
	}
	if got := w.post("/exceptions/act", "to", "/exceptions", "group", flow+"\nunmatched\n"); !strings.Contains(got.words(), "2 customers are being looked at again.") {
		t.Error(got.words())
	}
	if got := w.post("/exceptions/act", "to", "/exceptions", "verb", "retry"); got.code != http.StatusConflict || !strings.Contains(got.words(), "Nothing was changed") {
		t.Errorf("%d: %s", got.code, got.words())
	}
}

// Each kind is settled through its page, by a form and without a script.
func TestOneExceptionOfEachKindIsSettledThroughItsPage(t *testing.T) {
	for kind, c := range map[status.Kind]struct {
		form []string
		says string
		page string
	}{
		status.Unmatched:        {[]string{"verb", "link", "target_id", "rec_1"}, "Linked to rec_1.", "Which CRM record is cus_1?"},
		status.AmbiguousMatch:   {[]string{"verb", "link", "target_id", "rec_1"}, "Linked to rec_1.", "This is the one"},
		status.LowConfidence:    {[]string{"verb", "link", "target_id", "rec_1"}, "Linked to rec_1.", "74%"},
		status.DuplicateLink:    {[]string{"verb", "link", "target_id", "rec_9"}, "Linked to rec_9.", "≈ Close"},
		status.BrokenLink:       {[]string{"verb", "link", "target_id", "rec_9"}, "Linked to rec_9.", "Remove the link and match again"},
		status.Conflict:         {[]string{"verb", "apply", "saw", "Active", "saw_source", "canceled"}, "Trueup writes Churned to CRM now.", "Use Billing’s: write Churned"},
		status.FirstContact:     {[]string{"verb", "keep", "saw", "Active", "saw_source", "canceled", "until", "7"}, "Active stays as it is in CRM.", "Keep what CRM has: Active"},
		status.ConfirmChange:    {[]string{"verb", "apply", "saw", "Active", "saw_source", "canceled"}, "Trueup writes Churned to CRM now.", "Confirm: write Churned"},
		status.UnmappedStatus:   {[]string{"status", "active", "digest", "d1"}, "grace means active now.", "2 customers change to churned."},
		status.WriteFailed:      {[]string{"verb", "retry"}, "Trueup looks at the customer again now.", "Look again now"},
		status.NeverSticks:      {[]string{"verb", "retry"}, "Trueup looks at the customer again now.", "Look again now"},
		status.LoopSuspected:    {[]string{"verb", "retry"}, "Trueup looks at the customer again now.", "Look again now"},
		status.ConnectionFailed: {[]string{"verb", "retry"}, "Trueup looks at the customer again now.", "Look again now"},
		status.UnreadableEvent:  {[]string{"verb", "resolve"}, "The exception is resolved.", "Close it"},
		status.MassChange:       {[]string{"verb", "acknowledge"}, "The exception is acknowledged.", "Look at the sync"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			w.T = t
			customer := "cus_1"
			if kind == status.UnreadableEvent || kind == status.MassChange {
				customer = ""
			}
			x := w.needs(kind, customer)
			at := fmt.Sprintf("/exceptions/%d", x.ID)
			if page := w.get(at); page.code != http.StatusOK || !strings.Contains(page.words(), c.page) {
				t.Errorf("%d, the page does not say %q:\n%s", page.code, c.page, page.words())
			}
			to := at + "/act"
			if kind == status.UnmappedStatus {
				to = at + "/map"
			}
			if got := w.post(to, append(c.form, "saw_history", "0")...); got.code != http.StatusOK || got.at != at || !strings.Contains(got.words(), c.says) {
				t.Errorf("%d %s does not say %q: %s", got.code, got.at, c.says, got.words())
			}
		})
	}
}

func TestAResolvedExceptionOffersNothingThatCannotBeDone(t *testing.T) {
	w := newWorld(t)
	x := w.needs(status.Unmatched, "cus_1")
	at := fmt.Sprintf("/exceptions/%d", x.ID)
	const panel = "If none of them is right"
	if page := w.get(at).words(); !strings.Contains(page, panel) {
		t.Errorf("while it is open, the page does not say %q:\n%s", panel, page)
	}
	_, err := w.store.Act(t.Context(), store.Act{Exception: x.ID, Verb: store.Resolve, Who: "ana"})
	w.must(err)
	if page := w.get(at).words(); strings.Contains(page, panel) || !strings.Contains(page, "It is resolved.") {
		t.Errorf("the page is\n%s", page)
	}
}

func TestACustomerWhomTheSourceDoesNotHaveIsNotLookedForInTheTarget(t *testing.T) {
	w := newWorld(t)
	x := w.about(status.BrokenLink, "cus_1")
	x.Stage, x.Reason = status.StageReadSource, reason.Reason{Code: reason.CustomerGone, Facts: reason.Facts{Source: "billing"}}
	id, err := w.store.OpenException(t.Context(), x)
	w.must(err)
	page := w.get(fmt.Sprintf("/exceptions/%d", id))
	w.says(page, "Billing has no customer with this id. Nothing is written.")
	if strings.Contains(page.words(), "Which CRM record") {
		t.Error(page.words())
	}
	w.says(w.get("/"), "1 customer is gone from one of the tools")
	x = w.about(status.BrokenLink, "cus_2") // one whose customer lives on under another id has a link to correct
	x.Stage, x.Reason = status.StageReadSource, reason.Reason{Code: reason.CustomerMerged, Facts: reason.Facts{Source: "billing"}}
	id, err = w.store.OpenException(t.Context(), x)
	w.must(err)
	w.says(w.get(fmt.Sprintf("/exceptions/%d", id)), "Remove the link and match again")
}

func TestAFirstContactSpeaksOfNoEdit(t *testing.T) {
	w := newWorld(t)
	x := w.needs(status.FirstContact, "cus_1")
	w.tells(w.get(fmt.Sprintf("/exceptions/%d", x.ID)), 200, "The value that CRM has is written over", "The value that CRM has stays", "Keep what CRM has: Active", "!edit", "!apart", "!Billing changed")
}

func TestAConflictThatIsNotSureSaysOnlyWhatIsNotKnown(t *testing.T) {
	for _, c := range []struct{ name, by, want string }{
		{"who edited is known", "sam.sales", "The times do not show which of the two changes is newer."},
		{"who edited is not known", "", "The times do not show which of the two changes is newer, and CRM does not tell who edited last."},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.doubts("cus_1", c.by)
			w.says(w.get(fmt.Sprintf("/exceptions/%d", w.exception(status.Conflict, "cus_1").ID)), c.want)
		})
	}
}

// doubts opens a conflict of which nobody knows which change is newer.
func (w *world) doubts(customer, by string) {
	w.Helper()
	_, err := w.store.Receive(w.Context(), []store.NewEvent{{Sync: flow, Customer: customer, Connection: "billing", ID: "evt_" + customer, Side: store.SourceSide}})
	w.must(err)
	work, _, err := w.store.ClaimOne(w.Context(), flow, customer, 0, time.Minute)
	w.must(err)
	x := w.about(status.Conflict, customer)
	x.Confidence = 0.5
	w.must(w.store.Settle(w.Context(), &work, store.Settlement{Outcome: status.Held, Park: &x, Desired: &store.Desired{SourceValue: x.SourceValue, Value: "Churned", SeenAt: work.Now},
		Observed: &store.Observed{Value: x.TargetValue, SeenAt: work.Now, By: by}}))
}

// The two values of a conflict that is settled are no longer those that were decided on.
func TestASettledConflictIsNoChoiceAnymore(t *testing.T) {
	w := newWorld(t)
	x := w.needs(status.Conflict, "cus_1")
	at := fmt.Sprintf("/exceptions/%d", x.ID)
	w.says(w.get(at), "cus_1: who is right?", "Keep the edit: leave Active")
	w.post(at+"/act", "verb", "resolve", "saw_history", "0")
	page := w.get(at)
	w.says(page, "It is resolved.", "Why it was opened", "What was done")
	for _, gone := range []string{"who is right", "Keep the edit", "written over", "stays until you decide"} {
		if strings.Contains(page.words(), gone) {
			t.Errorf("it still says %q: %s", gone, page.words())
		}
	}
}

// What Trueup closes by itself says what happened to the customer.
func TestAnExceptionThatClosedByItselfSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		decision store.Decision
		says     string
	}{
		"it was written":           {store.Decision{Outcome: status.Applied, Action: "write", Desired: "Churned", Observed: "Active", Reason: reason.Reason{Code: reason.OwnerUsesSource}}, "Closed: CRM was changed to Churned by Trueup"},
		"both show the same":       {store.Decision{Outcome: status.AlreadyEqual, Action: "none", Desired: "Churned", Observed: "Churned", Reason: reason.Reason{Code: reason.AlreadyEqual}}, "Closed: both show Churned by Trueup"},
		"an edit stays":            {store.Decision{Outcome: status.Held, Action: "hold", Desired: "Churned", Observed: "Active", Reason: reason.Reason{Code: reason.PersonNewer}}, "Closed: CRM was edited after Billing changed, so the edit stays by Trueup"},
		"what is no longer stored": {store.Decision{}, "Closed: its cause is gone by Trueup"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			x := w.needs(status.Conflict, "cus_1")
			_, err := w.store.Receive(t.Context(), []store.NewEvent{{Sync: flow, Customer: "cus_1", Connection: "billing", ID: "evt_2", Side: store.SourceSide}})
			w.must(err)
			work, _, err := w.store.ClaimOne(t.Context(), flow, "cus_1", 0, time.Minute)
			w.must(err)
			s := store.Settlement{Outcome: status.Applied, Close: store.CloseAll}
			if c.decision.Action != "" {
				c.decision.Sync, c.decision.Customer = flow, "cus_1"
				s.Decision = &c.decision
			}
			w.must(w.store.Settle(t.Context(), &work, s))
			w.says(w.get(fmt.Sprintf("/exceptions/%d", x.ID)), "It is resolved.", c.says)
		})
	}
}

func TestTheSecondOfTwoPeopleIsToldWhoWasFirst(t *testing.T) {
	w := newWorld(t)
	x := w.needs(status.Conflict, "cus_1")
	act := fmt.Sprintf("/exceptions/%d/act", x.ID)
	w.post(act, "verb", "keep", "saw", "Active", "saw_source", "canceled", "saw_history", "0")
	w.person = &Person{ID: 2, Name: "Marcus Webb", Email: "marcus@example.com", Role: store.Operator}
	got := w.post(act, "verb", "apply", "saw", "Active", "saw_source", "canceled", "saw_history", "0")
	if got.code != http.StatusConflict || !strings.Contains(got.words(), "Dana Reyes was first") || !strings.Contains(got.words(), "Target's value kept") && !strings.Contains(got.text, "Target&#39;s value kept") {
		t.Errorf("%d: %s", got.code, got.words())
	}
	c, err := w.store.Customer(t.Context(), flow, "cus_1")
	if err != nil || c.Ruling.By != "dana@example.com" {
		t.Errorf("%+v, %v", c.Ruling, err)
	}
}

func TestWhoDecidesOnValuesThatHaveChangedIsShownBoth(t *testing.T) {
	w := newWorld(t)
	x := w.needs(status.Conflict, "cus_1")
	got := w.post(fmt.Sprintf("/exceptions/%d/act", x.ID), "verb", "apply", "saw", "Paused", "saw_source", "canceled", "saw_history", "0")
	for _, want := range []string{"cus_1 has changed meanwhile", "Nothing was written", "Paused → to Active", "canceled as before", "Look at it now"} {
		if !strings.Contains(got.words(), want) {
			t.Errorf("%d, it does not say %q: %s", got.code, want, got.words())
		}
	}
	x = w.needs(status.UnmappedStatus, "cus_2")
	got = w.post(fmt.Sprintf("/exceptions/%d/map", x.ID), "status", "active", "digest", "d0")
	if got.code != http.StatusConflict || !strings.Contains(got.words(), "trueup.yaml has changed meanwhile") || !strings.Contains(got.words(), "active, trialing") {
		t.Errorf("%d: %s", got.code, got.words())
	}
}

func TestARecordOfAnotherCustomerIsLinkedOnlyWhenThePersonSaysSo(t *testing.T) {
	w := newWorld(t)
	act := fmt.Sprintf("/exceptions/%d/act", w.needs(status.Unmatched, "cus_1").ID)
	if got := w.post(act, "verb", "link", "target_id", "rec_bens"); got.code != http.StatusConflict || !strings.Contains(got.words(), "has the email of customer ben") {
		t.Errorf("%d: %s", got.code, got.words())
	}
	if got := w.post(act, "verb", "link", "target_id", "rec_bens", "force", "yes"); got.code != http.StatusOK || !strings.Contains(got.words(), "Linked to rec_bens.") {
		t.Errorf("%d: %s", got.code, got.words())
	}
}

func TestAViewerSeesWhatCannotBeDoneAndWhy(t *testing.T) {
	w := newWorld(t)
	x := w.needs(status.Conflict, "cus_1")
	w.person.Role = store.Viewer
	if page := w.get("/exceptions"); !strings.Contains(page.words(), "You can look, but not act: your role is viewer .") || strings.Contains(page.text, `name="verb"`) || !strings.Contains(page.text, `aria-disabled="true"`) {
		t.Error(page.words())
	}
	page := w.get(fmt.Sprintf("/exceptions/%d", x.ID))
	if !strings.Contains(page.words(), "Settling an exception needs the role operator") || strings.Count(page.text, "<button") == 0 {
		t.Error(page.words())
	}
	if got := w.post(fmt.Sprintf("/exceptions/%d/act", x.ID), "verb", "resolve"); got.code != http.StatusForbidden {
		t.Errorf("it was answered %d", got.code)
	}
}

func TestWhatToolsSendIsShownAsText(t *testing.T) {
	w := newWorld(t)
	const odd = `<script>alert(1)</script>&"'`
	long := strings.Repeat("א", 10_000)
	x := w.about(status.Conflict, odd)
	x.SourceValue, x.TargetValue, x.Owner = long, odd, "ops@example.com"
	id, err := w.store.OpenException(t.Context(), x)
	w.must(err)
	for _, at := range []string{"/exceptions", fmt.Sprintf("/exceptions/%d", id)} {
		page := w.get(at)
		if page.code != http.StatusOK || strings.Contains(page.text, "<script>alert") || !strings.Contains(page.text, html.EscapeString("<script>alert(1)")) || len(page.words()) > 9_000 {
			t.Errorf("%s: %d, %d characters", at, page.code, len(page.words()))
		}
	}
	if page := w.get("/exceptions/77"); page.code != http.StatusNotFound || !strings.Contains(page.words(), "There is no such exception") {
		t.Errorf("%d: %s", page.code, page.words())
	}
	if page := w.get("/exceptions/x"); page.code != http.StatusNotFound {
		t.Errorf("%d", page.code)
	}
}

func TestWhoLooksForARecordIsToldOfThoseThatNobodyCouldRead(t *testing.T) {
	w := newWorld(t)
	x := w.needs(status.Unmatched, "cus_1")
	sw, err := w.store.BeginSweep(w.Context(), store.Sweep{Sync: flow, Purpose: store.ForSweep, SourceListed: true, TargetListed: true}, time.Minute)
	w.must(err)
	sw.SetAside(store.TargetSide, store.Aside{ID: "rec_9", Problem: "record.keys.email: the value is a list"})
	sw.SetAside(store.SourceSide, store.Aside{ID: "cus_9", Problem: "record.status: the value is a list"})
	sw.Phase = store.PhaseDone
	_, err = w.store.SaveSweep(w.Context(), sw, store.SweepPart{}, time.Minute)
	w.must(err)
	page := w.get(fmt.Sprintf("/exceptions/%d", x.ID))
	if !strings.Contains(page.words(), "At the last comparison, 1 record of CRM cannot be read and is not compared: rec_9 (record.keys.email: the value is a list). The record may be among them.") || strings.Contains(page.text, "cus_9") {
		t.Errorf("it says %s", page.words())
	}
}

func TestResolvedExceptionsArePagedByNumber(t *testing.T) {
	w := newWorld(t)
	for i := range 120 {
		x := w.about(status.Conflict, fmt.Sprintf("cus_%03d", i))
		x.Cause = fmt.Sprint("cause ", i) // as many questions as there are
		id, err := w.store.OpenException(t.Context(), x)
		w.must(err)
		_, err = w.store.Act(t.Context(), store.Act{Exception: id, Verb: store.Resolve, Who: "ana"})
		w.must(err)
	}
	seen, at := map[string]bool{}, "/exceptions?state=resolved&sync="+flow+"&kind=conflict"
	pages := 0
	for ; at != "" && pages < 10; pages++ {
		page := w.get(at)
		w.says(page, "Resolved, the latest first", "Conflicting edit.")
		for _, m := range regexp.MustCompile(`cus_\d\d\d`).FindAllString(page.text, -1) {
			seen[m] = true
		}
		at = ""
		if m := regexp.MustCompile(`href="(/exceptions[^"]*before=[^"]*)"`).FindStringSubmatch(page.text); m != nil {
			at = html.UnescapeString(m[1])
		}
	}
	if pages != 3 || len(seen) != 120 {
		t.Errorf("%d customers on %d pages", len(seen), pages)
	}
}

func TestAFieldThatOneToolWasNotAskedForIsNotCalledEmpty(t *testing.T) {
	fields := func(likeness identity.Likeness, values ...string) (all []contract.ComparedField) {
		for i, value := range values {
			f := contract.ComparedField{Field: []string{"name", "email"}[i], Value: value}
			if f.Field == "email" {
				f.Likeness = likeness
			}
			all = append(all, f)
		}
		return all
	}
	c := contract.Comparison{Customer: contract.ComparedRecord{Fields: fields("", "Mei Tanaka", "mei@example.com")},
		Candidates: []contract.ComparedRecord{{Fields: fields(identity.Different, "", "")}}}
	of, record := fieldsOf(c.Customer, c), fieldsOf(c.Candidates[0], c)
	if of[0].Unread || of[1].Unread || !record[0].Unread || record[0].Word != "" || record[1].Unread || record[1].Word != "≠ Different" {
		t.Errorf("the customer's are %+v, the record's %+v", of, record)
	}
}
