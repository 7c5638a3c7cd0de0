package demo

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestASeedGivesTheSameScriptEachTime(t *testing.T) {
	script := func(seed uint64) any {
		cast, steps := newScript(seed)
		after := rngAfter(seed)
		for range 50 {
			steps = append(steps, wander(after, cast, func(string) string { return "active" }))
		}
		return []any{cast, steps}
	}
	all := cmp.AllowUnexported(member{}, step{})
	if diff := cmp.Diff(script(5), script(5), all); diff != "" {
		t.Errorf("the same seed gave two scripts:\n%s", diff)
	}
	if cmp.Equal(script(5), script(6), all) {
		t.Error("another seed should give another script")
	}
}

// What the script is made to show is in it whatever the seed.
func TestEveryScriptHoldsEveryAwkwardCase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cast, steps := newScript(rapid.Uint64().Draw(t, "seed"))
		of := func(r role) (its []step) {
			m := playing(cast, r)
			for _, s := range steps {
				if s.customer == m.customer {
					its = append(its, s)
				}
			}
			return its
		}
		order := func(its []step) string {
			var words []string
			for _, s := range its {
				words = append(words, string(s.do)+" "+s.value)
			}
			return strings.Join(words, ", ")
		}
		for r, want := range map[role]string{
			repeated:  "announce , change paused, change active",
			reordered: "announce , withhold past_due, change canceled, deliver ",
			bursting:  "announce , change paused, change active, change past_due, change trialing, change paused, change canceled",
			newcomer:  "announce , change active",
			strange:   "announce , change on_hold",
			missing:   "change paused",
			twofold:   "change canceled",
			kept:      "announce , withhold paused, edit Churned, deliver ",
			overtaken: "announce , edit Paused, change canceled",
		} {
			if got := order(of(r)); got != want {
				t.Errorf("the story of %s is %q, want %q", r, got, want)
			}
		}
		if its := of(repeated); its[1].times != 2 || its[2].times != 3 {
			t.Errorf("webhooks should come two and three times: %+v", its)
		}
		first := slices.IndexFunc(steps, func(s step) bool { return s.customer == playing(cast, bursting).customer && s.do == change })
		for i := range 6 {
			if s := steps[first+i]; s.customer != playing(cast, bursting).customer {
				t.Errorf("the burst is broken by a step of %s", s.customer)
			}
		}
		for _, s := range steps {
			if s.note == "" {
				t.Errorf("the step %+v says nothing", s)
			}
		}
	})
}

// The player can do every step of every script: it names who is there, and
// values the tools have.
func TestEveryScriptCanBePlayed(t *testing.T) {
	_, key := newSecret()
	taking := &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) { return respond(200, "{}", nil), nil })}
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		cast, steps := newScript(seed)
		j := &journal{}
		s := newSender(t.Context(), taking, key)
		p := &player{billing: newBilling(cast, "", "RUN", j, s), crm: newCRM(cast, "", j), cast: cast, journal: j, late: map[string]event{}}
		after := rngAfter(seed)
		for range 20 {
			steps = append(steps, step{do: "wander"})
		}
		for _, s := range steps {
			if s.do == "wander" {
				s = wander(after, cast, p.present)
			}
			if err := p.do(s); err != nil {
				rt.Fatalf("step %q: %v", s.note, err)
			}
		}
		if len(p.late) > 0 {
			rt.Errorf("%d events never arrived", len(p.late))
		}
		if err := s.wait(t.Context()); err != nil {
			rt.Fatal(err)
		}
	})
}
