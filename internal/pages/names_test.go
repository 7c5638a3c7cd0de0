package pages

import (
	"fmt"
	"regexp"
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

func TestAnExceptionWithoutAnOwnerIsNobodys(t *testing.T) {
	w := newWorld(t)
	x := w.about(status.Unmatched, "cus_1")
	x.Owner = ""
	id, err := w.store.OpenException(t.Context(), x)
	w.must(err)
	at := fmt.Sprintf("/exceptions/%d", id)
	chosen := regexp.MustCompile(`<select id="own" name="owner" required>(.*?)</select>`)
	if got := chosen.FindStringSubmatch(w.get(at).text); got == nil || !strings.Contains(got[1], `<option value="" selected>Nobody</option>`) || strings.Count(got[1], "selected") != 1 {
		t.Errorf("nobody is not chosen: %q", got)
	}
	w.post(at+"/act", "verb", "assign", "owner", "dana@example.com", "saw_history", "0")
	if got := chosen.FindStringSubmatch(w.get(at).text); got == nil || !strings.Contains(got[1], `<option value="dana@example.com" selected>Dana Reyes</option>`) || strings.Contains(got[1], "Nobody") {
		t.Errorf("the owner is not chosen: %q", got)
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
	for _, want := range []string{`>Dana Reyes</strong>`, `>Eli Park</strong>`, `<option value="eli@example.com">Eli Park</option>`} {
		if !strings.Contains(got.text, want) {
			t.Errorf("the activity does not say %s: %s", want, got.text)
		}
	}
	if n := strings.Count(got.text, ">Dana Reyes</strong>"); n != 2 || strings.Contains(got.text, `title="dana@example.com"`) { // here, and in Slack
		t.Errorf("she is called so %d times: %s", n, got.text)
	}
	x := w.needs(status.Unmatched, "cus_1")
	for _, page := range []string{"/exceptions", fmt.Sprint("/exceptions/", x.ID)} {
		got := w.get(page)
		if !strings.Contains(got.text, `<option value="dana@example.com">Dana Reyes</option>`) || !strings.Contains(got.text, `<option value="eli@example.com"`) || !strings.Contains(got.text, `>Eli Park</option>`) {
			t.Errorf("%s does not offer owners by name: %s", page, got.text)
		}
	}
}

// A name may be another person's too: what somebody did is kept under the address.
func TestTwoPeopleOfOneNameAreTwo(t *testing.T) {
	w := newWorld(t)
	w.config.People = nil
	var all []*Person
	for _, email := range []string{"dana@example.com", "dana.reyes@example.com"} {
		p, err := w.store.AddPerson(t.Context(), store.Person{Name: "Dana Reyes", Email: email, Role: store.Operator})
		w.must(err)
		all = append(all, &Person{ID: p.ID, Name: p.Name, Email: p.Email, Role: p.Role})
	}
	x := w.needs(status.Conflict, "cus_1")
	act := fmt.Sprintf("/exceptions/%d/act", x.ID)
	w.person = all[0]
	w.post(act, "verb", "keep", "saw", "Active", "saw_source", "canceled", "saw_history", "0")
	w.post("/syncs/" + flow + "/plans")
	w.post("/syncs/"+flow+"/pause", "reason", "the CRM is being migrated")
	w.person = all[1]
	w.answers(w.post(act, "verb", "apply", "saw", "Active", "saw_source", "canceled", "saw_history", "0"), 409, "Dana Reyes was first")
	w.says(w.post(fmt.Sprintf("/jobs/%d/stop", w.jobs()[0].ID)), "The comparison was stopped by Dana Reyes")
	for path, says := range map[string]string{"/": "Paused by Dana Reyes", "/syncs/" + flow: "Dana Reyes paused this sync", fmt.Sprint("/exceptions/", x.ID): "by Dana Reyes", "/activity": "Dana Reyes Paused"} {
		got := w.get(path)
		if w.says(got, says); strings.Contains(got.words(), "Paused by dana") || strings.Contains(got.words(), "paused by dana") {
			t.Errorf("%s names nobody: %s", path, got.words())
		}
	}

	history, err := w.store.Actions(t.Context(), x.ID)
	w.must(err)
	paused, err := w.store.SyncsPaused(t.Context())
	w.must(err)
	job := w.jobs()[0]
	for what, who := range map[string][2]string{"the decision": {history[0].Who, all[0].Email}, "the plan": {job.AskedBy, all[0].Email}, "the pause": {paused[flow].By, all[0].Email}, "the stop": {job.StoppedBy, all[1].Email}} {
		if who[0] != who[1] {
			t.Errorf("%s is kept as that of %s, want %s", what, who[0], who[1])
		}
	}

	_, err = w.store.RemovePerson(t.Context(), all[0].Email, all[1].Email)
	w.must(err)
	w.says(w.get("/syncs/"+flow), "dana@example.com paused this sync")
}
