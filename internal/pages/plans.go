package pages

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

func planRoutes() []route {
	return []route{
		{http.MethodGet, "/plans", store.Viewer, allPlans},
		{http.MethodGet, "/syncs/{sync}/plans", store.Viewer, plansOfSync},
		{http.MethodPost, "/syncs/{sync}/plans", store.Operator, makePlan},
		{http.MethodGet, "/plans/{hash}", store.Viewer, readPlan},
		{http.MethodGet, "/plans/{hash}/apply", store.Viewer, followPlan},
		{http.MethodPost, "/plans/{hash}/apply", store.Operator, approvePlan},
		{http.MethodPost, "/jobs/{id}/stop", store.Operator, stopJob},
	}
}

// plansPath is the address of a sync's plans.
func plansPath(sync string) string { return "/syncs/" + url.PathEscape(sync) + "/plans" }

const (
	// plansListed is how many plans are listed, rowsListed how many rows a page of a
	// plan has, and rowsOfGroup how many of each kind of change are shown at first.
	plansListed = 20
	rowsListed  = 50
	rowsOfGroup = 5
	// groupsListed is how many kinds of change show their rows at first.
	groupsListed = 20
	// typedAtLeast is how much of a plan's hash a person types.
	typedAtLeast = 4
)

// allPlans answers GET /plans: those of the only sync, or a choice.
func allPlans(v *visit) (answer, error) {
	names := slices.Sorted(maps.Keys(v.Syncs()))
	if len(names) == 1 {
		return answer{To: plansPath(names[0])}, nil
	}
	return answer{Page: "plans", Title: "Plans", Nav: "plans", Data: plansView{Syncs: names}}, nil
}

// plansView is what the page of a sync's plans shows.
type plansView struct {
	Syncs []string // to choose from, where none is chosen
	Sync  string
	Source, Target,
	Path string
	May    bool
	Job    *contract.PlanJob // the one that is open, or else the last one
	Steps  []step
	Plans  []planLine
	Stored bool
}

// planLine is an earlier plan.
type planLine struct {
	contract.Plan
	Short string
	Kept  bool // its rows are
	Came  string
}

// step is one phase of a comparison.
type step struct {
	Title, Says, Icon, Tone string
	Done                    int
	Width                   string
}

// plansOfSync answers GET /syncs/{sync}/plans.
func plansOfSync(v *visit) (answer, error) {
	name, c, err := v.syncOf()
	if err != nil {
		return answer{}, err
	}
	p := plansView{Sync: name, Source: capital(c.Source.Connection), Target: capital(c.Target.Connection), Path: plansPath(name), May: v.may(store.Operator)}
	jobs, err := v.Store.PlanJobsBefore(v.ctx(), name, 0, plansListed)
	if err != nil {
		return answer{}, err
	}
	if len(jobs) > 0 {
		job, err := overview.PlanJob(v.ctx(), v.Store, jobs[0])
		if err != nil {
			return answer{}, err
		}
		job = v.namesOf(job)
		p.Job, p.Steps = &job, p.steps(job)
	}
	found, err := v.Store.PlansBefore(v.ctx(), name, 0, plansListed)
	if err != nil {
		return answer{}, err
	}
	for i, w := range found {
		p.Plans = append(p.Plans, planLine{Plan: contract.PlanOf(w), Short: short(w.Hash), Kept: i < 3, Came: cameOf(w, jobs)})
	}
	a := answer{Page: "plans", Title: "Plans of " + name, Nav: "plans", Data: p}
	if len(jobs) > 0 && v.moving(jobs[0]) {
		a.Live = []part{{"head", "planshead", p}, {"progress", "progress", p}, {"waits", "waits", p}, {"made", "made", p}}
	}
	return a, nil
}

// endShown is for how long a page that followed a job is told of its end.
const endShown = 10 * time.Minute

// moving reports whether the page of a job is live.
func (v *visit) moving(j store.PlanJob) bool {
	return j.EndedAt.IsZero() || v.now.Sub(j.EndedAt) < endShown
}

func short(hash string) string { return hash[:min(len(hash), 12)] }

// cameOf is what became of a plan, as far as jobs have applied it.
func cameOf(w store.Sweep, jobs []store.PlanJob) string {
	for _, j := range jobs {
		if j.Kind == store.ApplyJob && j.Plan == w.ID {
			said := num(j.Written) + " of " + num(j.Total) + " written"
			if len(j.Customers) > 0 {
				said = plural(j.Written, "customer") + " written one by one"
			}
			if n := j.Refused + j.Failed; n > 0 {
				said += ", " + num(n) + " not written"
			}
			return said
		}
	}
	return "Not applied on these pages"
}

// steps are the three phases of a comparison.
func (p plansView) steps(j contract.PlanJob) []step {
	if j.Making == nil {
		return nil
	}
	m, now := *j.Making, slices.Index([]store.Phase{store.PhaseSource, store.PhaseTarget, store.PhaseCompare}, j.Making.Phase)
	all := []step{{Title: "Read " + p.Source}, {Title: "Read " + p.Target}, {Title: "Compare each customer"}}
	for i, part := range []contract.Portion{m.Source, m.Target, m.Compared} {
		s := &all[i]
		s.Done, s.Icon, s.Tone, s.Width = part.Done, "open", "quiet", "0"
		switch {
		case i < now:
			s.Icon, s.Tone, s.Width, s.Says = "ok", "good", "100", "done"
		case i == now:
			s.Icon, s.Tone, s.Says = "live", "", "now"
			if part.Of != nil && *part.Of > 0 {
				s.Width = fmt.Sprintf("%.1f", min(100, 100*float64(part.Done)/float64(*part.Of)))
				s.Says = "of about " + num(*part.Of)
			}
		}
	}
	return all
}

// Open says that a job has not ended.
func (p plansView) Open() bool { return p.Job != nil && p.Job.EndedAt == nil }

// Now is what a job does at the moment, or what it came to, in one line; "" where the
// page of the plan that was applied says it.
func (p plansView) Now() string {
	if p.Job == nil || p.Job.Kind == store.ApplyJob && p.Job.EndedAt != nil {
		return ""
	}
	return p.told().Sentence()
}

// Waits says why it does not go on.
func (p plansView) Waits() string { return p.told().Waits() }

func (p plansView) told() reason.Job { return p.Job.Told(p.Source, p.Target, capital) }

// makePlan answers POST /syncs/{sync}/plans.
func makePlan(v *visit) (answer, error) {
	name, _, err := v.syncOf()
	if err != nil {
		return answer{}, err
	}
	_, err = v.AskPlan(v.ctx(), store.PlanAsk{Sync: name, Who: v.Person.Email, Key: v.key()})
	return answer{To: plansPath(name)}, v.refusedPlan(err, plansPath(name))
}

// namesOf is a job with the names of those who asked for it and stopped it.
func (v *visit) namesOf(j contract.PlanJob) contract.PlanJob {
	j.AskedBy, j.StoppedBy = v.called(j.AskedBy), v.called(j.StoppedBy)
	return j
}

// nothingToStop is an address of a job that is not there.
var nothingToStop = &Refusal{Status: http.StatusNotFound, Title: "There is nothing to stop at this address", Text: "Open Plans to see what is being done.", Ways: []Way{{"Open Plans", "/plans"}}}

// stopJob answers POST /jobs/{id}/stop.
func stopJob(v *visit) (answer, error) {
	id, err := strconv.ParseInt(v.PathValue("id"), 10, 64)
	if err != nil {
		return answer{}, nothingToStop
	}
	j, changed, err := v.Store.StopJob(v.ctx(), id, v.Person.Email)
	if errors.Is(err, store.ErrNotFound) {
		err = nothingToStop
	}
	if err != nil {
		return answer{}, err
	}
	a := answer{To: plansPath(j.Sync)}
	if j.Kind == store.ApplyJob {
		a.To = "/plans/" + j.Hash + "/apply"
	}
	switch {
	case !changed && !j.EndedAt.IsZero():
		a.Said = "It had ended already."
	case j.Kind == store.ApplyJob:
		a.Said = "Stopping. The rows in progress are finished; what is written stays written."
	default:
		a.Said = "Stopping. A new plan continues the comparison."
	}
	return a, nil
}

// refusedPlan is what a person is told of a plan that was not asked for.
func (v *visit) refusedPlan(err error, back string) error {
	var refused *exceptions.RefusedError
	var open *store.JobOpenError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return &Refusal{Status: http.StatusConflict, Title: "Nothing was written", Text: capital(refused.Why) + ". " + capital(refused.Hint) + ".", Ways: []Way{{"Back to the plan", back}}}
	case errors.As(err, &open):
		return &Refusal{Status: http.StatusConflict, Title: "Nothing was begun", Text: capital(open.Error()) + ", asked for by " + v.called(open.Job.AskedBy) + ". Wait until it has ended, or stop it.", Ways: []Way{{"See it", plansPath(open.Job.Sync)}}}
	case errors.Is(err, store.ErrKeyReused):
		return &Refusal{Status: http.StatusConflict, Title: "Nothing was begun", Text: "This form was sent before with something else in it. Open the page again and send its form.", Ways: []Way{{"Back", back}}}
	case errors.Is(err, store.ErrNotFound):
		return noPlan()
	}
	return err
}

func noPlan() error {
	return &Refusal{Status: http.StatusNotFound, Title: "There is no such plan", Text: "The address may be cut off.", Ways: []Way{{"Open Plans", "/plans"}}}
}

// planOf returns the plan that the address names by its whole hash.
func (v *visit) planOf() (store.Sweep, error) {
	hash := v.PathValue("hash")
	if len(hash) < 8 {
		return store.Sweep{}, noPlan()
	}
	plan, err := v.Store.Plan(v.ctx(), "", hash)
	if errors.Is(err, store.ErrNotFound) {
		err = noPlan()
	}
	return plan, err
}

// approvePlan answers POST /plans/{hash}/apply.
func approvePlan(v *visit) (answer, error) {
	plan, err := v.planOf()
	if err != nil {
		return answer{}, err
	}
	back := "/plans/" + plan.Hash
	ask := store.PlanAsk{Hash: plan.Hash, Only: v.PostForm["only"], ApproveFirst: v.PostFormValue("first_contact") != "", Who: v.Person.Email, Key: v.key()}
	typed := strings.ToLower(strings.TrimSpace(v.PostFormValue("hash")))
	switch {
	case plan.Hash != v.PathValue("hash"):
		return answer{}, noPlan()
	case len(ask.Only) == 0 && (len(typed) < typedAtLeast || !strings.HasPrefix(plan.Hash, typed)):
		return answer{}, &Refusal{Status: http.StatusUnprocessableEntity, Title: "These are not the first four characters",
			Text: "Nothing was written. The plan begins with other characters: read it again, then type them.", Ways: []Way{{"Back to the plan", back}}}
	}
	_, err = v.AskPlan(v.ctx(), ask)
	return answer{To: back + "/apply"}, v.refusedPlan(err, back)
}

// followView is what the page of a plan that is applied shows.
type followView struct {
	Plan       contract.Plan
	Short      string
	Target     string
	Job        contract.PlanJob
	May        bool
	Over       bool
	One        bool
	Not        []rowView
	Written    []rowView
	W, N, X    string // the widths of what is written and not written, and where the second begins
	NotWritten int
}

// Now says how far it is, as the command line does.
func (f followView) Now() string { return f.Job.Told("", f.Target, capital).Progress() }

// followPlan answers GET /plans/{hash}/apply.
func followPlan(v *visit) (answer, error) {
	plan, err := v.planOf()
	if err != nil {
		return answer{}, err
	}
	j, err := v.Store.JobOfPlan(v.ctx(), plan.ID, plan.Sync)
	if errors.Is(err, store.ErrNotFound) {
		return answer{To: "/plans/" + plan.Hash}, nil
	}
	if err != nil {
		return answer{}, err
	}
	f := followView{Plan: contract.PlanOf(plan), Short: short(plan.Hash), Target: capital(v.Syncs()[plan.Sync].Target.Connection), Job: v.namesOf(contract.PlanJobOf(j)),
		May: v.may(store.Operator), Over: !j.EndedAt.IsZero(), One: len(j.Customers) > 0, NotWritten: j.Refused + j.Failed, W: "0", N: "0", X: "0"}
	if j.Total > 0 {
		f.W, f.X = fmt.Sprintf("%.1f", 100*float64(j.Written)/float64(j.Total)), fmt.Sprintf("%.1f", 100*float64(j.Written)/float64(j.Total))
		f.N = fmt.Sprintf("%.1f", 100*float64(f.NotWritten)/float64(j.Total))
	}
	not, err := v.Store.PlanRowsNotWritten(v.ctx(), plan.ID, "", rowsListed)
	if err != nil {
		return answer{}, err
	}
	last, err := v.Store.PlanRowsEnded(v.ctx(), plan.ID, 2*rowsOfGroup)
	if err != nil {
		return answer{}, err
	}
	f.Not = v.rowViews(plan.Sync, not)
	f.Written = v.rowViews(plan.Sync, slices.DeleteFunc(last, func(r store.PlanRow) bool { return r.State != store.RowApplied }))
	a := answer{Page: "plan-applying", Title: "Writing plan " + f.Short, Nav: "plans", Data: f}
	if v.moving(j) {
		a.Live = []part{{"progress", "progress", f}, {"not", "not", f}, {"written", "written", f}}
	}
	return a, nil
}
