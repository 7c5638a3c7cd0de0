package gohighlevel

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
	"github.com/trueup-sync/trueup/internal/status"
)

func TestADropdownIsReadAndWritten(t *testing.T) {
	for name, ref := range map[string]string{"by its key": "customer_status", "by its whole key": "contact.customer_status", "by its id": ghltest.StatusField, "by its name": "Customer Status"} {
		t.Run(name, func(t *testing.T) {
			a := account(t)
			c := open(t, a, settings(), following(ref))
			r := read(t, c, "ada")
			want := status.TargetRecord{ID: "ada", Value: "Active", EditedAt: testNow.Add(-time.Hour), Keys: map[string]string{
				"id": "ada", "email": "ada@example.com", "phone": "+15550100001", "name": "Ada Example", "customer_status": "Active",
				"contact.customer_status": "Active", "external_id": "cus_1", "contact.external_id": "cus_1"}}
			if diff := cmp.Diff(want, r); diff != "" {
				t.Error(diff)
			}
			if err := written(c.Target.Write(t.Context(), r, "Paused")); err != nil {
				t.Fatal(err)
			}
			if got := read(t, c, "ada"); got.Value != "Paused" || !got.EditedAt.Equal(testNow) {
				t.Errorf("after the write: %+v", got)
			}
			after := a.Contact("ada")
			if !slices.Equal(after.Tags, []string{"vip", "active"}) || after.Values[ghltest.ExternalField] != "cus_1" {
				t.Errorf("something else was changed: %+v", after)
			}
			if diff := cmp.Diff([]ghltest.Effect{{Contact: "ada", What: "Active → Paused"}}, a.Effects()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// HighLevel itself would take every one of these.
func TestAValueThatIsNoOptionIsNeverSent(t *testing.T) {
	a := account(t)
	c := open(t, a, settings(), following("customer_status"))
	r := read(t, c, "ada")
	for _, value := range []string{"paused", "Paused ", "Gone", ""} {
		f := fails(t, written(c.Target.Write(t.Context(), r, value)), connector.Refused, connector.EffectNone)
		if !strings.Contains(f.Detail, `its options are "Active", "Paused", "Churned"`) {
			t.Errorf("%q: %s", value, f.Detail)
		}
	}
	if got := a.Effects(); len(got) > 0 {
		t.Errorf("it was sent: %v", got)
	}
}

func TestTheOptionsAreThoseOfNow(t *testing.T) {
	a := account(t)
	now := testNow
	c := open(t, a, settings(), following("customer_status"), func(d *connector.Deps) { d.Now = func() time.Time { return now } })
	r := read(t, c, "ada")
	a.SetFields(func(all []ghltest.Field) []ghltest.Field {
		all[0].Options = []string{"Active", "On hold", "Churned"}
		return all
	})
	now = now.Add(time.Minute)
	if err := written(c.Target.Write(t.Context(), r, "On hold")); err != nil {
		t.Errorf("a new option is not noticed at once: %v", err)
	}
	now = now.Add(fieldsAge)
	fails(t, written(c.Target.Write(t.Context(), r, "Paused")), connector.Refused, connector.EffectNone)
}

func TestAFieldThatWasMadeAnewIsFoundAgain(t *testing.T) {
	a := account(t)
	now := testNow
	c := open(t, a, settings(), following("customer_status"), func(d *connector.Deps) { d.Now = func() time.Time { return now } })
	r := read(t, c, "ada")
	a.SetFields(func(all []ghltest.Field) []ghltest.Field {
		all[0].ID = "F1eLdStAtUsNeWNeWNeW"
		return all
	})
	now = now.Add(time.Minute)
	// The old id is dropped without a word, which shows in the answer.
	if shown, err := c.Target.Write(t.Context(), r, "Paused"); err != nil || shown == nil || shown.Value == "Paused" {
		t.Errorf("the answer shows %+v, %v", shown, err)
	}
	if err := written(c.Target.Write(t.Context(), r, "Paused")); err != nil {
		t.Fatal(err)
	}
	if got := a.Contact("ada").Values["F1eLdStAtUsNeWNeWNeW"]; got != "Paused" {
		t.Errorf("the new field holds %v", got)
	}
}

func TestAFieldThatCannotHoldAStatusIsRefused(t *testing.T) {
	for field, says := range map[string]string{"notes": "of the type LARGE_TEXT", "no_such_field": `has no contact field "no_such_field"`, "Twice": `2 contact fields are called "Twice"`} {
		a := account(t)
		a.SetFields(func(all []ghltest.Field) []ghltest.Field {
			return append(all, ghltest.Field{ID: "t1", Name: "Twice", Key: "contact.twice", Type: "SINGLE_OPTIONS"},
				ghltest.Field{ID: "t2", Name: "Twice", Key: "contact.twice_1", Type: "SINGLE_OPTIONS"})
		})
		c := open(t, a, settings(), following(field))
		f := fails(t, written(c.Target.Write(t.Context(), status.TargetRecord{ID: "ada"}, "Paused")), connector.Misconfigured, connector.EffectNone)
		if !strings.Contains(f.Detail, says) {
			t.Errorf("%s: %s", field, f.Detail)
		}
		if len(a.Effects()) > 0 {
			t.Errorf("%s: %v", field, a.Effects())
		}
	}
}

func TestAnAnswerThatShowsAnotherValueProvesNothing(t *testing.T) {
	for name, answer := range map[string]string{
		"the old value":   `{"succeded":true,"contact":{"id":"ada","customFields":[{"id":"` + ghltest.StatusField + `","value":"Active"}]}}`,
		"no value":        `{"succeded":true,"contact":{"id":"ada","customFields":[]}}`,
		"another contact": `{"succeded":true,"contact":{"id":"eve","customFields":[{"id":"` + ghltest.StatusField + `","value":"Paused"}]}}`,
		"a flag only":     `{"succeded":true}`,
		"nothing":         `{}`,
	} {
		a := account(t)
		c := open(t, a, settings(), following("customer_status"))
		r := read(t, c, "ada")
		a.Instead(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPut {
				return false
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(answer))
			return true
		})
		f := connector.FailureOf(written(c.Target.Write(t.Context(), r, "Paused")))
		if f.Effect != connector.EffectUnknown {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestAContactThatIsNotThereIsGone(t *testing.T) {
	a := account(t)
	a.Set(ghltest.Contact{ID: "old"})
	c := open(t, a, settings(), following("customer_status"))
	r := read(t, c, "old")
	a.Delete("old")
	_, err := c.Target.Read(t.Context(), "old")
	fails(t, err, connector.Gone, connector.EffectNone)
	_, err = c.Source.Read(t.Context(), "old")
	fails(t, err, connector.Gone, connector.EffectNone)
	fails(t, written(c.Target.Write(t.Context(), r, "Paused")), connector.Gone, connector.EffectNone)
	a.Requests()
	for _, id := range []string{"", "../ada", "a b", "cus_1/tags", strings.Repeat("x", 65), "ada?x=1", "ä"} {
		_, err := c.Target.Read(t.Context(), id)
		fails(t, err, connector.Gone, connector.EffectNone)
	}
	if got := a.Requests(); len(got) > 0 {
		t.Errorf("impossible ids were asked for: %v", got)
	}
}

// A read by an id that was merged into another contact is answered with that.
func TestAContactThatWasMergedIsGone(t *testing.T) {
	a := account(t)
	c := open(t, a, settings(), following("customer_status"))
	for name, answer := range map[string]string{
		"another id":        `{"contact":{"id":"ada","locationId":"` + ghltest.LocationID + `"}}`,
		"marked as deleted": `{"contact":{"id":"merged","deleted":true,"locationId":"` + ghltest.LocationID + `"}}`,
		"the other wording": `{"statusCode":400,"message":"Contact with id merged not found","error":"Bad Request"}`,
	} {
		a.Instead(func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Type", "application/json")
			if strings.Contains(answer, "400") {
				w.WriteHeader(http.StatusBadRequest)
			}
			_, _ = w.Write([]byte(answer))
			return r.URL.Path == "/contacts/merged"
		})
		if _, err := c.Target.Read(t.Context(), "merged"); connector.FailureOf(err).Kind != connector.Gone {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAValueIsReadWhateverItsForm(t *testing.T) {
	for want, value := range map[string]any{"Active": "Active", "": nil, "7": 7, "true": true, "Paused": []string{"Paused"},
		`["Active","Paused"]`: []string{"Active", "Paused"}, `{"a":1}`: map[string]int{"a": 1}, " Active": " Active"} {
		a := account(t)
		a.Edit("ada", func(c *ghltest.Contact) { c.Values[ghltest.StatusField] = value })
		c := open(t, a, settings(), following("customer_status"))
		if got := read(t, c, "ada").Value; got != want {
			t.Errorf("%v is read as %q, want %q", value, got, want)
		}
	}
}

func TestAnEmptyFieldIsNoStatus(t *testing.T) {
	a := account(t)
	a.Set(ghltest.Contact{ID: "new"})
	r, err := open(t, a, settings(), deciding("customer_status")).Source.Read(t.Context(), "new")
	if err != nil || !r.NoStatus || r.Value != "" {
		t.Errorf("got %+v, %v", r, err)
	}
	r, err = open(t, a, settings(), deciding("customer_status", "", "Active")).Source.Read(t.Context(), "new")
	if err != nil || r.NoStatus || r.Value != "" {
		t.Errorf("with the empty text as a word: %+v, %v", r, err)
	}
}
