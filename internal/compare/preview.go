package compare

import (
	"context"
	"slices"

	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Selection is which rows of a plan to apply.
type Selection struct {
	Plan store.Sweep
	// Chosen reports whether a customer's row is applied; nil chooses all.
	Chosen func(customer string) bool
	// Approved is who approves overwriting values that Trueup did not write, as the
	// plan shows them; "" is no one, and these rows are left out.
	Approved string
	// Trial says that the sync only watches, and that the chosen customers are written
	// all the same.
	Trial bool
}

// MostTried is how many customers of a sync that only watches can be chosen at once: it
// is there to try a few whom a person can check, not to go live by another name.
const MostTried = 10

// Includes reports whether a row is one that Apply tries. Whose write was undone is
// written again only by name.
func (s Selection) Includes(r store.PlanRow) bool {
	first := r.Action == string(decide.Park) && r.Kind == status.FirstContact && s.Approved != ""
	undone := r.Action == string(decide.Hold) && r.Reason.Code == decide.WriteUndone && s.Chosen != nil
	return (r.Action == string(decide.Write) || first || undone) && (s.Chosen == nil || s.Chosen(r.Customer))
}

// WhyNot says why a plan writes nothing for a customer, by the customer's row; nil is none.
func WhyNot(row *store.PlanRow) string {
	if row == nil {
		return "not in the plan"
	}
	return row.Action + ": " + row.Reason.Sentence()
}

// ToDo is what Apply will do with a selection.
type ToDo struct {
	Rows  int // to try; those that have been applied or refused do not count
	Moves map[Move]int
	// Missing are the customers asked for that have no row in the selection, sorted.
	Missing []string
	// Halted is how the mass-change limit has halted the sync, if it has.
	Halted store.Halted
}

// Move is one kind of change: from one value of the target to another.
type Move struct{ Before, After string }

// Preview reports what Apply will do. asked are the customers that a person has
// named: a misspelled id must not look like a row that was applied.
func Preview(ctx context.Context, db *store.DB, s Selection, asked map[string]bool) (ToDo, error) {
	todo := ToDo{Moves: map[Move]int{}}
	found := map[string]bool{}
	for r, err := range db.EachPlanRow(ctx, s.Plan.ID) {
		if err != nil {
			return ToDo{}, err
		}
		if !s.Includes(r) {
			continue
		}
		if asked[r.Customer] {
			found[r.Customer] = true
		}
		if r.State != store.RowApplied && r.State != store.RowRefused {
			todo.Rows++
			todo.Moves[Move{r.Before, r.After}]++
		}
	}
	for id := range asked {
		if !found[id] {
			todo.Missing = append(todo.Missing, id)
		}
	}
	slices.Sort(todo.Missing)
	counts, err := db.Counts(ctx)
	todo.Halted = counts[s.Plan.Sync].Halted
	return todo, err
}
