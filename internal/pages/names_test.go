package pages

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestAnOwnerIsOnePersonWithAName(t *testing.T) {
	w := newWorld(t)
	w.config.People = map[string]config.Person{"eli@example.com": {Name: "Eli Park"}}
	s := w.config.Syncs[flow]
	s.Owners = map[string]string{"default": "Eli@Example.com", "unmatched": "eli@example.com"}
	w.config.Syncs[flow] = s
	x := w.needs(status.Unmatched, "cus_1")
	w.says(w.post(fmt.Sprintf("/exceptions/%d/act", x.ID), "verb", "assign", "owner", "ELI@example.com"), "Assigned to Eli Park.")
	got := w.get("/exceptions?owner=eli@example.com")
	if n := strings.Count(got.text, ">Eli Park</option>"); n != 2 || !strings.Contains(got.text, "cus_1") { // the filter, and whom to assign
		t.Errorf("Eli is offered %d times: %s", n, got.words())
	}
	w.says(w.get("/exceptions?owner=eli@example.com&state=resolved"), "No resolved exception of Eli Park")
	if got := w.get("/exceptions.csv"); !strings.Contains(got.text, "owner_name") || !strings.Contains(got.text, "Eli Park") {
		t.Errorf("the download does not name the owner: %s", got.text)
	}
}

func TestPeopleAreCalledByTheirNames(t *testing.T) {
	w := newWorld(t)
	w.config.People = map[string]config.Person{"dana@example.com": {Name: "Dana", Slack: "U0DANA"}, "eli@example.com": {Name: "Eli Park"}}
	s := w.config.Syncs[flow]
	s.Owners = map[string]string{"default": "eli@example.com"}
	w.config.Syncs[flow] = s
	if _, err := w.store.AddPerson(t.Context(), store.Person{Name: "Dana Reyes", Email: "dana@example.com", Role: store.Operator, CreatedBy: "dana@example.com"}); err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"slack:dana (U0DANA)", "eli@example.com"} {
		if err := w.store.Record(t.Context(), store.Activity{Who: who, Way: store.BySlack, Act: reason.Reason{Code: reason.ActPasswordChosen}}); err != nil {
			t.Fatal(err)
		}
	}
	got := w.get("/activity?since=all")
	for _, want := range []string{`title="slack:dana (U0DANA)">Dana Reyes</strong>`, `title="dana@example.com">Dana Reyes</strong>`, `title="eli@example.com">Eli Park</strong>`, `<option value="eli@example.com">Eli Park</option>`} {
		if !strings.Contains(got.text, want) {
			t.Errorf("the activity does not say %s: %s", want, got.text)
		}
	}
	x := w.needs(status.Unmatched, "cus_1")
	for _, page := range []string{"/exceptions", fmt.Sprint("/exceptions/", x.ID)} {
		got := w.get(page)
		if !strings.Contains(got.text, `<option value="dana@example.com">Dana Reyes</option>`) || !strings.Contains(got.text, `<option value="eli@example.com"`) || !strings.Contains(got.text, `>Eli Park</option>`) {
			t.Errorf("%s does not offer owners by name: %s", page, got.text)
		}
	}
}
