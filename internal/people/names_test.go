package people_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestAnOwnerAndWhoSignsInByTheSameAddressAreOnePerson(t *testing.T) {
	d, _ := door(t)
	first(t, d)
	if _, _, err := d.Invite(t.Context(), "Ana Ruiz", "ana@example.com", store.Viewer, "ops"); err != nil {
		t.Fatal(err)
	}
	file := map[string]config.Person{"Ana@Example.com": {Name: "Ana", Slack: "U0ANA"}, "bo@example.com": {Name: "Bo"}, "cy@example.com": {Slack: "U0CY"}}
	names, err := people.Names(t.Context(), d.Store, file, []string{"ana@example.com", "Ana@Example.com", "slack:ana (U0ANA)", "slack:U0ANA", "bo@example.com", "slack:cy (U0CY)",
		"slack:zoe (U0ZOE)", "nobody@example.com", "api:bot", "trueup", ""})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, who := range []string{"ana@example.com", "Ana@Example.com", "slack:ana (U0ANA)", "slack:U0ANA", "bo@example.com", "slack:cy (U0CY)", "slack:zoe (U0ZOE)", "nobody@example.com", "api:bot", "trueup", ""} {
		got[who] = names.Of(who)
	}
	want := map[string]string{"ana@example.com": "Ana Ruiz", "Ana@Example.com": "Ana Ruiz", "slack:ana (U0ANA)": "Ana Ruiz", "slack:U0ANA": "Ana Ruiz", "bo@example.com": "Bo",
		"slack:cy (U0CY)": "cy@example.com", "slack:zoe (U0ZOE)": "zoe", "nobody@example.com": "nobody@example.com", "api:bot": "bot", "trueup": "Trueup", "": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
