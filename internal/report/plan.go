package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"iter"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

//go:embed plan.html.tmpl
var planSource string

var planPage = template.Must(template.New("plan.html.tmpl").Funcs(functions).Parse(planSource))

// planView is what the page of a plan shows.
type planView struct {
	store.Sweep
	Source, Target string
	SetAside       []string
	Rows           iter.Seq[store.PlanRow]
}

// WritePlan writes a plan as a page. Its rows are written as they are read, so
// that a plan of any size takes no more memory; after an error the page is not
// whole.
func WritePlan(w io.Writer, p store.Sweep, source, target string, rows iter.Seq2[store.PlanRow, error]) error {
	var failed error
	view := planView{Sweep: p, Source: source, Target: target, SetAside: contract.SetAsideOf(p).Texts(source, target), Rows: func(yield func(store.PlanRow) bool) {
		for r, err := range rows {
			if failed = err; err != nil || !yield(r) {
				return
			}
		}
	}}
	err := planPage.Execute(w, view)
	if failed != nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("write the page of a plan: %w", err)
	}
	return nil
}
