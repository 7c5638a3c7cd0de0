package gohighlevel

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
)

func TestAStatusTagIsReplacedAndNoOtherIsTouched(t *testing.T) {
	a := account(t)
	c := open(t, a, settings(), following("tags"))
	r := read(t, c, "ada")
	if r.Value != "Active" {
		t.Fatalf("the tag active is read as %q", r.Value)
	}
	if err := written(c.Target.Write(t.Context(), r, "Paused")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, c, "ada").Value; got != "Paused" {
		t.Errorf("after the write: %q", got)
	}
	if got := a.Contact("ada").Tags; !slices.Equal(got, []string{"vip", "paused"}) {
		t.Errorf("the tags are %v", got)
	}
	if diff := cmp.Diff([]ghltest.Effect{{Contact: "ada", What: "+paused"}, {Contact: "ada", What: "-active"}}, a.Effects()); diff != "" {
		t.Error(diff)
	}
}

func TestTagsAreComparedInLowerCase(t *testing.T) {
	a := account(t)
	a.Set(ghltest.Contact{ID: "bo", Tags: []string{"PAUSED"}})
	c := open(t, a, settings(), following("tags"))
	r := read(t, c, "bo")
	if r.Value != "Paused" {
		t.Errorf("read as %q", r.Value)
	}
	if err := written(c.Target.Write(t.Context(), r, "Paused")); err != nil || len(a.Effects()) != 0 {
		t.Errorf("written although it is there: %v, %v", err, a.Effects())
	}
	if _, err := Open("crm", config.Connection{BaseURL: a.URL}, settings(), connector.Deps{Use: following("tags", "Active", "active")}); err == nil {
		t.Error("two words that are one tag were taken")
	}
}

func TestSeveralStatusTagsAreNoStatusThatAnybodyMaps(t *testing.T) {
	a := account(t)
	a.Set(ghltest.Contact{ID: "bo", Tags: []string{"paused", "vip", "active"}})
	r, err := open(t, a, settings(), deciding("tags")).Source.Read(t.Context(), "bo")
	if err != nil || r.Value != "Active + Paused" || r.NoStatus {
		t.Errorf("got %+v, %v", r, err)
	}
	c := open(t, a, settings(), following("tags"))
	if err := written(c.Target.Write(t.Context(), read(t, c, "bo"), "Churned")); err != nil {
		t.Fatal(err)
	}
	if got := a.Contact("bo").Tags; !slices.Equal(got, []string{"vip", "churned"}) {
		t.Errorf("an owner's word leaves the tags %v", got)
	}
}

// Between the two calls a contact has both tags. Whatever ends the second call,
// the old one is there to be seen, and the effect is not claimed to be none.
func TestATagChangeThatBreaksInTheMiddleLosesNothing(t *testing.T) {
	for name, answer := range map[string]int{"429": 429, "500": 500, "401": 401, "400": 400} {
		t.Run(name, func(t *testing.T) {
			a := account(t)
			c := open(t, a, settings(), following("tags"))
			r := read(t, c, "ada")
			a.Instead(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodDelete {
					w.WriteHeader(answer)
				}
				return r.Method == http.MethodDelete
			})
			f := connector.FailureOf(written(c.Target.Write(t.Context(), r, "Paused")))
			if f.Effect != connector.EffectUnknown {
				t.Errorf("the effect is %s", f.Effect)
			}
			a.Instead(nil)
			half := read(t, c, "ada")
			if half.Value != "Active + Paused" {
				t.Fatalf("left with %q", half.Value)
			}
			if err := written(c.Target.Write(t.Context(), half, "Paused")); err != nil {
				t.Fatal(err)
			}
			if got := a.Contact("ada").Tags; !slices.Equal(got, []string{"vip", "paused"}) {
				t.Errorf("written again, the tags are %v", got)
			}
		})
	}
}

func TestATagThatSomebodySetMeanwhileIsNotTakenAway(t *testing.T) {
	a := account(t)
	c := open(t, a, settings(), following("tags"))
	r := read(t, c, "ada")
	a.Edit("ada", func(c *ghltest.Contact) { c.Tags = []string{"vip", "churned"} })
	fails(t, written(c.Target.Write(t.Context(), r, "Paused")), connector.Moved, connector.EffectNone)
	if len(a.Effects()) > 0 {
		t.Error(a.Effects())
	}
}

func TestATagThatTheAnswerDoesNotShowIsNotWritten(t *testing.T) {
	for name, method := range map[string]string{"added": http.MethodPost, "removed": http.MethodDelete} {
		a := account(t)
		c := open(t, a, settings(), following("tags"))
		r := read(t, c, "ada")
		a.Instead(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == method && strings.HasSuffix(r.URL.Path, "/tags") {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"tags":["vip","active"]}`))
				return true
			}
			return false
		})
		f := connector.FailureOf(written(c.Target.Write(t.Context(), r, "Paused")))
		if f.Effect != connector.EffectUnknown || f.Kind != connector.Misconfigured {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
