package pages

import (
	"cmp"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// rowView is a row of a plan with what its values mean.
type rowView struct {
	store.PlanRow
	BeforeStatus, AfterStatus status.Status
	Why                       string
}

// To is the address of the customer's page.
func (r rowView) To(sync string) string {
	return "/customers/" + url.PathEscape(sync) + "/" + url.PathEscape(r.Customer)
}

// Called is what people call the customer.
func (r rowView) Called() string { return cmp.Or(r.Name, r.Customer) }

func (v *visit) rowViews(sync string, rows []store.PlanRow) []rowView {
	var all []rowView
	s := v.Syncs()[sync]
	for _, r := range rows {
		all = append(all, rowView{PlanRow: r, BeforeStatus: overview.StatusOf(s, r.Before), AfterStatus: overview.StatusOf(s, r.After), Why: v.because(sync, r.Reason)})
	}
	return all
}

// groupView is a kind of change with its first rows.
type groupView struct {
	contract.PlanChange
	Rows  []rowView
	Title string // of a kind that needs a person, or is held
	More  int
	To    string // shows the others
}

// Label is the kind of change in a line of text.
func (g groupView) Label() string {
	if g.Title != "" {
		return g.Title
	}
	return cut(cmp.Or(g.Before, "Empty"), 40) + " → " + cut(cmp.Or(g.After, "Empty"), 40)
}

// planView is what the page of a plan shows.
type planView struct {
	Plan            contract.Plan
	Short           string
	First, Rest     string // of the hash: what is typed, and what follows
	Target          string
	Path            string
	May             bool
	Watching        bool
	Refused         *exceptions.RefusedError
	Job             *contract.PlanJob // that is open
	Changes         []groupView       // to choose from
	Groups          []groupView
	FirstContact    int
	Person, Causes  int
	To              string // to which statuses, in words
	Change, Q, Next string
	Gone            bool
	SetAside        []string
	Unwritten       bool // nothing of it was written
	Done            bool // all of it was written
}

// Writable reports whether rows can be written one by one.
func (p planView) Writable() bool {
	return p.May && p.Job == nil && !p.Gone && (p.Refused == nil || p.Watching)
}

// readPlan answers GET /plans/{hash}.
func readPlan(v *visit) (answer, error) {
	plan, err := v.planOf()
	if err != nil {
		return answer{}, err
	}
	s := v.Syncs()[plan.Sync]
	p := planView{Plan: contract.PlanOf(plan), Short: short(plan.Hash), First: plan.Hash[:typedAtLeast], Rest: plan.Hash[typedAtLeast:12], Target: capital(s.Target.Connection),
		Path: "/plans/" + plan.Hash, May: v.may(store.Operator), Change: v.FormValue("change"), Q: strings.TrimSpace(v.FormValue("q"))}
	if err := v.PlanRefusal(v.ctx(), plan, store.PlanAsk{Hash: plan.Hash}); err != nil {
		if !errors.As(err, &p.Refused) {
			return answer{}, err
		}
		p.Watching = s.Watches() && strings.Contains(p.Refused.Why, "mode: watch")
	}
	open, err := v.Store.OpenPlanJobs(v.ctx(), plan.Sync)
	if err != nil {
		return answer{}, err
	}
	if len(open) > 0 {
		job := contract.PlanJobOf(open[0])
		p.Job = &job
	}
	changes, _, err := overview.PlanChanges(v.ctx(), v.Store, s, plan)
	if err != nil {
		return answer{}, err
	}
	p.SetAside = p.Plan.SetAside.Texts(capital(s.Source.Connection), p.Target)
	p.count(changes)
	ended, err := v.Store.PlanRowsEnded(v.ctx(), plan.ID, 1)
	if err != nil {
		return answer{}, err
	}
	p.Unwritten = len(ended) == 0
	if p.Done, err = v.allWritten(plan, p.FirstContact); err != nil {
		return answer{}, err
	}
	p.Gone = len(changes) == 0 && plan.Summary.Carried() > plan.Summary.Agree
	if err := p.fill(v, plan); err != nil {
		return answer{}, err
	}
	return answer{Page: "plan", Title: "Plan " + p.Short, Nav: "plans", Data: p}, nil
}

// allWritten reports whether the latest job wrote all rows of a plan, of which so many are a
// first contact.
func (v *visit) allWritten(plan store.Sweep, firstContact int) (bool, error) {
	j, err := v.Store.JobOfPlan(v.ctx(), plan.ID, plan.Sync)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	whole := len(j.Customers) == 0 && (firstContact == 0 || j.ApprovedBy != "")
	return err == nil && whole && !j.EndedAt.IsZero() && j.Total > 0 && j.Written == j.Total, err
}

// chosenRows are the kind of change, 0 for all, and whom the address chooses.
func chosenRows(v *visit) (change int64, q string, err error) {
	if text := v.FormValue("change"); text != "" {
		if change, err = contract.ChangeID(text); err != nil {
			return 0, "", noPlan()
		}
	}
	return change, strings.TrimSpace(v.FormValue("q")), nil
}

// Download is the address of the chosen rows as CSV.
func (p planView) Download() string {
	q := url.Values{}
	for name, value := range map[string]string{"change": p.Change, "q": p.Q} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return withQuery(p.Path+"/rows.csv", q)
}

// count prepares the kinds of change.
func (p *planView) count(changes []contract.PlanChange) {
	to := map[string]int{}
	causes := map[status.Kind]bool{}
	for _, c := range changes {
		g := groupView{PlanChange: c, To: p.Path + "?change=" + c.Change}
		switch c.Action {
		case "write":
			to[cmp.Or(c.After, "Empty")] += c.Customers
		case "hold":
			g.Title = "Held: " + g.Label()
		default:
			g.Title = reason.KindNames[c.Kind]
			if c.Kind == status.FirstContact {
				p.FirstContact += c.Customers
				g.Title += ": " + cut(cmp.Or(c.Before, "Empty"), 40) + " → " + cut(cmp.Or(c.After, "Empty"), 40)
			}
			causes[c.Kind] = true
			p.Person += c.Customers
		}
		p.Changes = append(p.Changes, g)
	}
	p.Causes = len(causes)
	var parts []string
	for _, value := range slices.SortedFunc(maps.Keys(to), func(a, b string) int { return cmp.Or(cmp.Compare(to[b], to[a]), cmp.Compare(a, b)) }) {
		if len(parts) == 3 {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, num(to[value])+" to "+cut(value, 30))
	}
	p.To = strings.Join(parts, ", ")
}

// fill reads the rows that are shown.
func (p *planView) fill(v *visit, plan store.Sweep) error {
	after := v.FormValue("after")
	chosen, _, err := chosenRows(v)
	if err != nil {
		return err
	}
	page := func(g groupView, rows []store.PlanRow, err error) error {
		if len(rows) > rowsListed {
			rows = rows[:rowsListed]
			p.Next = p.Path + "?" + url.Values{"change": {p.Change}, "q": {p.Q}, "after": {rows[rowsListed-1].Customer}}.Encode()
		}
		g.Rows, g.More = v.rowViews(plan.Sync, rows), 0
		p.Groups = []groupView{g}
		return err
	}
	switch {
	case p.Q != "":
		rows, err := v.Store.FindPlanRows(v.ctx(), plan.Sync, plan.ID, chosen, p.Q, after, rowsListed+1)
		return page(groupView{Title: "Customers found by “" + cut(p.Q, 40) + "”"}, rows, err)
	case p.Change != "":
		rows, err := v.Store.PlanRowsOf(v.ctx(), plan.ID, chosen, after, rowsListed+1)
		i := slices.IndexFunc(p.Changes, func(g groupView) bool { return g.Change == p.Change })
		if i < 0 {
			return noPlan()
		}
		return page(p.Changes[i], rows, err)
	}
	for _, g := range p.Changes {
		if g.Action != "write" || len(p.Groups) == groupsListed {
			continue
		}
		id, err := contract.ChangeID(g.Change)
		if err != nil {
			return err
		}
		rows, err := v.Store.PlanRowsOf(v.ctx(), plan.ID, id, "", rowsOfGroup)
		if err != nil {
			return err
		}
		g.Rows, g.More = v.rowViews(plan.Sync, rows), g.Customers-len(rows)
		p.Groups = append(p.Groups, g)
	}
	return nil
}
