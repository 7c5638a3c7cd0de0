package compare

import (
	"slices"
	"testing"

	"github.com/trueup-sync/trueup/internal/store"
)

func TestAPreviewCountsTheRowsThatApplyTries(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.many(6)
		plan := w.compare(store.ForPlan)
		w.listen(nil)
		asked := map[string]bool{"cus_004": true, "cus_005": true, "cus_no": true, "cus_044": true}
		rows := Selection{Plan: plan, Chosen: func(customer string) bool { return asked[customer] }}
		preview := func(want int) ToDo {
			t.Helper()
			todo, err := Preview(t.Context(), w.db, rows, asked)
			if err != nil {
				t.Fatal(err)
			}
			moves := 0
			for _, n := range todo.Moves {
				moves += n
			}
			if todo.Rows != want || moves != want || !todo.Halted.Since.IsZero() {
				t.Errorf("rows %d, moves %v, halted %v; want %d rows, as many moves, not halted", todo.Rows, todo.Moves, todo.Halted, want)
			}
			if want := []string{"cus_044", "cus_no"}; !slices.Equal(todo.Missing, want) {
				t.Errorf("missing %v, want %v", todo.Missing, want)
			}
			return todo
		}
		preview(2)
		a := w.applyOptions(plan)
		a.Selection, a.Limit = rows, 1
		w.apply(a)
		preview(1) // the row that was applied is not missing, and not tried again
		a.Limit = 0
		w.apply(a)
		preview(0)
	})
}
