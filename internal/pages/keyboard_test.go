package pages

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/trueup-sync/trueup/internal/pages/browsertest"
	"github.com/trueup-sync/trueup/internal/status"
)

// hands are a person who uses no mouse.
type hands struct {
	*testing.T
	*browsertest.Browser
}

// focused is what has the focus, and whether one can see that.
type focused struct {
	Is, Seen bool
	At       string
}

const focusedJS = `(() => {
	const e = document.activeElement, ring = (e) => {
		const s = e && getComputedStyle(e), r = e && e.getBoundingClientRect();
		return e && s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1 && r.width > 1 && r.height > 1;
	};
	return {Is: e.matches(%q), At: e.outerHTML.slice(0, 140), Seen: e === document.body || ring(e) || ring(e.closest("label"))};
})()`

func (h hands) focus(selector string) focused {
	h.Helper()
	var f focused
	h.Do("see what has the focus", chromedp.Func(func(ctx context.Context, t *chromedp.Target) (err error) {
		f, err = chromedp.Evaluate[focused](fmt.Sprintf(focusedJS, selector))(ctx, t)
		return err
	}))
	return f
}

// press presses keys one after the other.
func (h hands) press(keys string) {
	h.Helper()
	h.Do("press keys", chromedp.KeyEvent(keys))
}

// to goes by Tab to an element, and sees on the way that one can see where one is.
func (h hands) to(selector string) {
	h.Helper()
	unseen := map[string]bool{}
	for range 150 {
		h.press(kb.Tab)
		f := h.focus(selector)
		if !f.Seen && !unseen[f.At] {
			unseen[f.At] = true
			h.Errorf("on the way to %s one cannot see the focus on %s", selector, f.At)
		}
		if f.Is {
			return
		}
	}
	h.Fatalf("Tab does not lead to %s", selector)
}

// at fails unless an element has the focus.
func (h hands) at(selector string) {
	h.Helper()
	if f := h.focus(selector); !f.Is {
		h.Errorf("%s does not have the focus, but %s", selector, f.At)
	}
}

// sees waits until the page says something.
func (h hands) sees(text string) {
	h.Helper()
	h.Do("see "+text, chromedp.WaitVisible(fmt.Sprintf(`//main//*[contains(text(), %q)]`, text)))
}

// opens presses Enter on a link or a button, and waits for the page that it leads to.
func (h hands) opens(selector, says string) {
	h.Helper()
	h.to(selector)
	h.press(kb.Enter)
	h.sees(says)
}

// Each main task is done by the keyboard alone, in one sitting.
func TestEachMainTaskIsDoneByTheKeyboardAlone(t *testing.T) {
	w, _ := newDoor(t)
	w.must(w.store.SetMode(t.Context(), flow, true))
	w.halt(3)
	plan := "/plans/" + w.planned().Hash
	unmatched, unmapped, conflict := w.needs(status.Unmatched, "cus_a"), w.needs(status.UnmappedStatus, "cus_b"), w.needs(status.Conflict, "cus_c")
	at := func(id int64) string { return fmt.Sprintf(`main a.btn[href="/exceptions/%d"]`, id) }
	h := hands{t, browsertest.Open(t)}

	// Sign in.
	h.Do("open Trueup", chromedp.Navigate(w.server.URL), chromedp.WaitVisible(chromedp.CSS("#pw")))
	h.to("#m")
	h.press("priya@example.com")
	h.to("#pw")
	h.press(password + kb.Enter)

	// A sync that a limit has halted is resumed.
	h.sees("One sync is halted")
	h.to(".halt details:nth-of-type(1) summary")
	h.press(kb.Enter)
	h.at(".halt details[open] summary")
	h.to(".halt details[open] textarea")
	h.press("checked with billing")
	h.opens(".halt details[open] button.go", "customer-status is resumed.")

	// A sync is paused by a person, and resumed.
	h.opens(`nav a[href="/syncs/customer-status"]`, "Billing decides.")
	h.to("summary")
	h.press(" ")
	h.to("#pause-why")
	h.press("a migration")
	h.opens("details[open] button.btn", "customer-status is paused.")
	h.to("summary")
	h.press(kb.Enter)
	h.to("details[open] textarea")
	h.press("it is done")
	h.opens("details[open] button.btn", "customer-status is resumed.")

	// An exception of each layout is settled. The list of keys gives the focus back.
	exceptions := `nav a[href="/exceptions"]`
	h.opens(exceptions, "need a person")
	h.to(`button[popovertarget="keys"]`)
	h.press(kb.Enter)
	h.Do("see the keys", chromedp.WaitVisible(chromedp.CSS("#keys")))
	h.press(kb.Escape)
	h.Do("the keys are gone", chromedp.WaitNotVisible(chromedp.CSS("#keys")))
	h.at(`button[popovertarget="keys"]`)
	h.opens(at(unmatched.ID), "Which CRM record is cus_a?")
	h.opens(`button[name="target_id"][value="rec_1"]`, "Linked to rec_1.")
	h.opens(exceptions, "need a person")
	h.opens(at(unmapped.ID), "Choose a meaning")
	h.to("#as-0")
	h.press(kb.ArrowDown + kb.ArrowUp)
	h.Do("see the file", chromedp.WaitVisible(chromedp.CSS(".f-0")))
	h.opens(".choice button.go", "grace means")
	h.opens(exceptions, "need a person")
	h.opens(at(conflict.ID), "who is right?")
	h.to(`button[name="verb"][value="apply"]`)
	h.press(" ")
	h.sees("Trueup writes Churned to CRM now.")

	// A plan is asked for, one is read and approved.
	h.opens(`nav a[href="/plans"]`, "a plan compares")
	h.opens(`form[action$="/plans"] button`, "Waiting to begin")
	h.opens(`form[action$="/stop"] button`, "was stopped")
	h.opens(`a[href="`+plan+`"]`, "16 customers would change")
	h.to("#h")
	h.press("7c19")
	h.opens("button.go.wide", "Writing plan")

	// A person is added.
	h.opens(`nav a[href="/access"]`, "Who can do what")
	h.to("#in")
	h.press("Dana Reyes")
	h.to("#ie")
	h.press("dana@example.com")
	h.to("#ir")
	h.press(kb.ArrowDown)
	h.opens(`form[action="/access/people"] button`, "can sign in with this link")
	dana, err := w.store.PersonByEmail(t.Context(), "dana@example.com")
	if err != nil || dana.Role != "operator" {
		t.Errorf("%+v, %v", dana, err)
	}

	// On a telephone the menu opens, and gives the focus back.
	h.Look(browsertest.Looks{Width: 390, Height: 800})
	h.to(`button[popovertarget="nav"]`)
	h.press(kb.Enter)
	h.Do("see the menu", chromedp.WaitVisible(chromedp.CSS("#nav")))
	h.to(`nav a[href="/activity"]`)
	h.press(kb.Escape)
	h.at(`button[popovertarget="nav"]`)
}

// settledBy is what a person does on the page of an exception of each kind, and what
// they are told.
var settledBy = map[status.Kind]struct {
	does []chromedp.Action[chromedp.Void]
	says string
}{
	status.Unmatched:        {clicks(`button[value="rec_1"]`), "Linked to rec_1."},
	status.AmbiguousMatch:   {clicks(`button[value="rec_1"]`), "Linked to rec_1."},
	status.LowConfidence:    {clicks(`button[value="rec_1"]`), "Linked to rec_1."},
	status.DuplicateLink:    {named("rec_9"), "Linked to rec_9."},
	status.BrokenLink:       {named("rec_8"), "Linked to rec_8."},
	status.Conflict:         {clicks(`button[value="apply"]`), "Trueup writes Churned to CRM now."},
	status.FirstContact:     {append([]chromedp.Action[chromedp.Void]{chromedp.SetValue(chromedp.CSS("#until"), "7")}, clicks(`button[value="keep"]`)...), "Active stays as it is in CRM."},
	status.ConfirmChange:    {clicks(`button[value="apply"]`), "Trueup writes Churned to CRM now."},
	status.UnmappedStatus:   {clicks("#as-0", ".choice button.go"), "grace means active now."},
	status.WriteFailed:      {clicks(`button[value="retry"]`), "Trueup looks at the customer again now."},
	status.NeverSticks:      {clicks(`button[value="retry"]`), "Trueup looks at the customer again now."},
	status.LoopSuspected:    {clicks(`button[value="retry"]`), "Trueup looks at the customer again now."},
	status.ConnectionFailed: {clicks(`button[value="retry"]`), "Trueup looks at the customer again now."},
	status.UnreadableEvent:  {clicks(`button[value="resolve"]`), "The exception is resolved."},
	status.MassChange:       {clicks(`button[value="acknowledge"]`), "The exception is acknowledged."},
}

func clicks(selectors ...string) (all []chromedp.Action[chromedp.Void]) {
	for _, s := range selectors {
		all = append(all, chromedp.Click(chromedp.CSS(s)))
	}
	return all
}

// named enters the id of a record.
func named(id string) []chromedp.Action[chromedp.Void] {
	return append([]chromedp.Action[chromedp.Void]{chromedp.SendKeys(chromedp.CSS("#rid"), id)}, clicks(`form.field button`)...)
}

func TestOneExceptionOfEachKindIsSettledInABrowser(t *testing.T) {
	w := newWorld(t)
	b := browsertest.Open(t)
	for _, kind := range status.Kinds {
		c, ok := settledBy[kind]
		if !ok {
			t.Errorf("no person settles %s in this test", kind)
			continue
		}
		customer := "cus_" + string(kind)
		if kind == status.UnreadableEvent || kind == status.MassChange {
			customer = ""
		}
		x := w.needs(kind, customer)
		b.Do("open "+string(kind), chromedp.Navigate(fmt.Sprintf("%s/exceptions/%d", w.server.URL, x.ID)), chromedp.WaitVisible(chromedp.CSS("h1")))
		b.Do("settle "+string(kind), c.does...)
		b.Do("see that "+string(kind)+" is settled", chromedp.WaitVisible(fmt.Sprintf(`//p[@role="status"][contains(., %q)]`, c.says)))
		w.post(customerPath(flow, customer)+"/unlink", "record", "rec_1") // the next one is linked to it
	}
}
