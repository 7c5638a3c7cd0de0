package pages

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// climbs are the steps of a sync's ladder as its page shows them, each with what it
// came to; a tick stands before one that was done.
func (w *world) climbs() string {
	w.Helper()
	ladder := regexp.MustCompile(`(?s)<ol class="ladder".*?</ol>`).FindString(w.get("/syncs/" + flow).text)
	var steps []string
	for _, li := range regexp.MustCompile(`(?s)<li class="(done)?"[^>]*><span class="n">(.*?)</span><span[^>]*>.*?</span>(?:<span class="small">(.*?)</span>)?</li>`).FindAllStringSubmatch(ladder, -1) {
		step := strings.TrimSpace(tags.ReplaceAllString(li[2], "")) + " " + tags.ReplaceAllString(li[3], "")
		if li[1] != "" {
			step = "✓ " + step
		}
		steps = append(steps, strings.TrimSpace(step))
	}
	return strings.Join(steps, "; ")
}

func TestTheLadderOfALiveSyncTicksOnlyWhatWasSeenToBeDone(t *testing.T) {
	today := time.Now().UTC().Format("Jan 2, 2006")
	for _, c := range []struct {
		name string
		was  func(*world)
		want string
	}{
		{"nothing, where it was live from the start", func(w *world) {}, "Watch; Plan; One customer; Live Since " + today},
		{"that it watched before", func(w *world) {
			raw := storetest.Raw(w.T, "sqlite", w.path)
			if _, err := raw.Exec("update modes set before_at = changed_at - $1", 14*24*time.Hour.Milliseconds()); err != nil {
				w.Fatal(err)
			}
		}, "✓ Watch 14 days; Plan; One customer; Live Since " + today},
		{"that it watched for minutes", func(w *world) {
			_, err := storetest.Raw(w.T, "sqlite", w.path).Exec("update modes set before_at = changed_at - $1", 2*time.Minute.Milliseconds())
			w.must(err)
		}, "✓ Watch 2 minutes; Plan; One customer; Live Since " + today},
		{"a plan", func(w *world) { w.planned() }, "Watch; ✓ Plan Plan 7c19e04a…; One customer; Live Since " + today},
		{"a customer of a plan who was written by name", func(w *world) {
			plan := w.planned()
			j, _, err := w.store.AskJob(w.Context(), store.PlanJob{Sync: flow, Kind: store.ApplyJob, Plan: plan.ID, AskedBy: "ana", Customers: []string{"cus_1"}}, "")
			w.must(err)
			j, ok, err := w.store.TakeJob(w.Context(), j, time.Minute)
			if err != nil || !ok {
				w.Fatal(ok, err)
			}
			j.Total, j.Written, j.Outcome = 1, 1, store.JobDone
			w.must(w.store.EndJob(w.Context(), j))
		}, "Watch; ✓ Plan Plan 7c19e04a…; ✓ One customer; Live Since " + today},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.must(w.store.SetMode(t.Context(), flow, true))
			c.was(w)
			if got := w.climbs(); got != c.want {
				t.Errorf("%s\nnot %s", got, c.want)
			}
		})
	}
}

func TestThePlanOfTheLadderIsALink(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.SetMode(t.Context(), flow, true))
	w.planned()
	if got := w.get("/syncs/" + flow); !strings.Contains(got.text, `<a href="/plans/`+theHash+`">Plan 7c19e04a…</a>`) {
		t.Errorf("the plan is no link: %s", got.words())
	}
}

func TestTheLadderOfASyncThatWatchesSaysForHowLong(t *testing.T) {
	for _, c := range []struct {
		since time.Duration
		want  string
	}{{5 * time.Second, "Watch 1 minute so far"}, {2 * time.Minute, "Watch 2 minutes so far"}, {3 * time.Hour, "Watch 3 hours so far"}, {50 * time.Hour, "Watch 2 days so far"}} {
		t.Run(c.since.String(), func(t *testing.T) {
			w := newWorld(t)
			s := w.config.Syncs[flow]
			s.Mode = config.ModeWatch
			w.config.Syncs[flow] = s
			w.must(w.store.SetMode(t.Context(), flow, false))
			_, err := storetest.Raw(t, "sqlite", w.path).Exec("update modes set changed_at = changed_at - $1", c.since.Milliseconds())
			w.must(err)
			if got, _, _ := strings.Cut(w.climbs(), ";"); got != c.want {
				t.Errorf("%q, not %q", got, c.want)
			}
		})
	}
}
