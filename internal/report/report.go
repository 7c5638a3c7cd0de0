// Package report writes the status of a sync, or what a plan would change, as
// one page that can be mailed: it loads nothing from elsewhere.
//
// Main type: Report. Main functions: Make, Report.WriteHTML and WritePlan.
//
// Invariants: a page holds ids, status words and the names of customers beside
// their ids, and no addresses except those of the owners of exceptions.
//
// It may import internal/config, contract, overview, reason, status and store.
package report

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Report is the status of a sync.
type Report struct {
	Sync       string          `json:"sync"`
	MadeAt     time.Time       `json:"made_at"`
	Agreement  *float64        `json:"agreement"` // nil when there are no customers to sync
	Customers  int             `json:"customers"`
	Carried    int             `json:"carried"`
	Agree      int             `json:"agree"`
	Unverified int             `json:"unverified"` // of agree: accepted by the target, which cannot show what was written
	Remapped   int             `json:"remapped"`   // of carried: their value has another meaning since the file changed
	Stale      int             `json:"stale"`      // not among carried: last read under another field or other match rules
	Outcomes   []Count         `json:"outcomes"`   // of customers, by their latest
	Waiting    int             `json:"waiting"`    // customers
	ByKind     []KindLine      `json:"by_kind"`
	ByOwner    []Count         `json:"by_owner"`
	Exceptions []OpenException `json:"exceptions"`
	// CustomersNeedPerson is how many customers need a person, also those of whom
	// only a comparison knows; Needs is the same for people, "" when nothing does.
	CustomersNeedPerson int    `json:"customers_need_person"`
	Needs               string `json:"-"`
	// Sweeps are the latest comparisons of both sides, newest first.
	Sweeps []contract.Sweep `json:"sweeps"`
	// Vocabulary is nil when the configuration could not be read.
	Vocabulary *contract.Vocabulary `json:"vocabulary,omitempty"`

	watches bool // as the file says
}

// OpenException is an exception, with the time at which it opened or reopened.
type OpenException struct {
	contract.Exception
	OpenedAt *time.Time `json:"opened_at"`
}

// Count is how many there are of something.
type Count struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

// KindLine is the open exceptions of a kind.
type KindLine struct {
	Kind   status.Kind `json:"kind"`
	Open   int         `json:"open"`
	Oldest *time.Time  `json:"oldest_opened_at"`
}

// Make reads the status of a sync. c has the meaning of its values, nil when
// they are not known.
func Make(ctx context.Context, db *store.DB, sync string, c *config.Sync, now time.Time) (Report, error) {
	r := Report{Sync: sync, watches: c != nil && c.Mode == config.ModeWatch, MadeAt: now.UTC().Truncate(time.Second), Outcomes: []Count{}, ByKind: []KindLine{}, ByOwner: []Count{},
		Exceptions: []OpenException{}, Sweeps: []contract.Sweep{}}
	rules, hash := store.Rules{}, ""
	if c != nil {
		var err error
		if rules, err = overview.RulesOf(ctx, db, sync, *c); err != nil {
			return r, err
		}
		hash = c.Rules()
	}
	s, err := db.SyncStanding(ctx, sync, rules)
	if err != nil {
		return r, err
	}
	r.Agreement, r.Customers, r.Carried, r.Agree, r.Unverified = s.Agreement(), s.Customers, s.Carried, s.Agree, s.Unverified
	r.Remapped, r.Stale = s.Remapped, s.Stale
	for _, o := range status.Outcomes {
		r.Outcomes = append(r.Outcomes, Count{string(o), s.ByOutcome[o]})
	}
	counts, err := db.Counts(ctx)
	if err != nil {
		return r, err
	}
	r.Waiting = counts[sync].WaitingCustomers
	open, err := db.Exceptions(ctx, store.ExceptionFilter{Sync: sync, States: []status.State{status.Open, status.Acknowledged}})
	if err != nil {
		return r, err
	}
	r.exceptions(open)
	r.CustomersNeedPerson = counts[sync].NeedPerson
	sweeps, err := db.Sweeps(ctx, sync, overview.SweepsShown)
	if err != nil {
		return r, err
	}
	for _, w := range sweeps {
		r.Sweeps = append(r.Sweeps, contract.SweepOf(w, hash))
	}
	r.Needs = overview.WhoNeeds(contract.Sync{Sweeps: r.Sweeps}.WithCounts(counts[sync]))
	if c == nil {
		return r, nil
	}
	v, err := overview.Vocabulary(ctx, db, sync, *c, overview.Options{})
	r.Vocabulary = &v
	return r, err
}

func (r *Report) exceptions(open []store.Exception) {
	kinds, owners := map[status.Kind]*KindLine{}, map[string]int{}
	slices.SortStableFunc(open, func(a, b store.Exception) int { return cmp.Or(a.OpenedAt.Compare(b.OpenedAt), cmp.Compare(a.ID, b.ID)) })
	for _, x := range open {
		k := kinds[x.Kind]
		if k == nil {
			k = &KindLine{Kind: x.Kind, Oldest: contract.Stamp(x.OpenedAt)}
			kinds[x.Kind] = k
		}
		k.Open++
		owners[cmp.Or(x.Owner, "nobody")]++
		r.Exceptions = append(r.Exceptions, OpenException{contract.ExceptionOf(x), contract.Stamp(x.OpenedAt)})
	}
	for _, k := range status.Kinds {
		if kinds[k] != nil {
			r.ByKind = append(r.ByKind, *kinds[k])
		}
	}
	for name, n := range owners {
		r.ByOwner = append(r.ByOwner, Count{name, n})
	}
	slices.SortFunc(r.ByOwner, func(a, b Count) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name)) })
}

//go:embed report.html.tmpl
var source string

// functions are what the pages may call.
var functions = template.FuncMap{
	"called":  status.Called,
	"since":   func(made time.Time, t *time.Time) string { return status.Age(made.Sub(*t)) },
	"kind":    func(k status.Kind) string { return reason.KindNames[k] },
	"percent": Percent,
	"part":    func(share float64) string { return Percent(&share) },
	"curve":   curve,
	"stamp":   func(t time.Time) string { return t.Format("2006-01-02 15:04 UTC") },
}

var page = template.Must(template.New("report.html.tmpl").Funcs(functions).Parse(source))

// WriteHTML writes the whole page or, after an error, nothing.
func (r Report) WriteHTML(w io.Writer) error {
	var b bytes.Buffer
	if err := page.Execute(&b, r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	_, err := b.WriteTo(w)
	return err
}

// Percent is a share for people, nil when there are no customers. It is never
// 100% unless all agree.
func Percent(share *float64) string {
	switch {
	case share == nil:
		return "no customers to compare"
	case *share < 1 && *share > 0.999:
		return "99.9%"
	}
	return fmt.Sprintf("%.1f%%", *share*100)
}

// Outdated is a sentence on how many last reads were made under an earlier
// file, and what to run, unless a comparison was made under the current one; ""
// when there are none.
func Outdated(remapped, stale int, sync string, sweeps []contract.Sweep) string {
	text := ""
	if remapped > 0 {
		text += fmt.Sprintf("; %d have a value whose meaning has changed since", remapped)
	}
	if stale > 0 {
		text += fmt.Sprintf("; not counted: %d last read under a different field or match rule", stale)
	}
	if text != "" && (len(sweeps) == 0 || sweeps[0].Stale) {
		text += ": trueup plan " + sync + " compares them all"
	}
	return text
}

// Unseen is a sentence on how many of those who agree the target cannot show,
// "" when there are none.
func Unseen(unverified int) string {
	if unverified == 0 {
		return ""
	}
	return fmt.Sprintf(", %d of them accepted but not verified", unverified)
}

// Compared reports whether there is a figure: a sync that only watches has none before
// the first comparison, since who was read until then is chance.
func (r Report) Compared() bool { return len(r.Sweeps) > 0 || !r.watches }

// Headline is the one agreement to show: that of the last comparison, or before the
// first one that of the last read of each customer.
func (r Report) Headline() *float64 {
	if len(r.Sweeps) > 0 {
		return r.Sweeps[0].Agreement
	}
	return r.Agreement
}

// Unproved is Unseen beside the figure of a comparison.
func Unproved(unverified int) string {
	if unverified == 0 {
		return ""
	}
	return fmt.Sprintf("; %d accepted but not verified", unverified)
}

// Unproved is the sentence for the report's own customers.
func (r Report) Unproved() string { return Unproved(r.Unverified) }

// Unseen is the sentence for the report's own number.
func (r Report) Unseen() string { return Unseen(r.Unverified) }

// Outdated is the sentence for the report's own number.
func (r Report) Outdated() string { return Outdated(r.Remapped, r.Stale, r.Sync, r.Sweeps) }
