package contract

import (
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// formula is how a cell begins that a spreadsheet would run.
const formula = "=+-@\t\r"

// Defuse puts a ' before a cell that a spreadsheet would run, and before one that
// begins with ' already, so that Restore can tell.
func Defuse(cell string) string {
	if cell != "" && strings.ContainsAny(cell[:1], formula+"'") {
		return "'" + cell
	}
	return cell
}

// Restore is a cell before Defuse.
func Restore(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.ContainsAny(cell[1:2], formula+"'") {
		return cell[1:]
	}
	return cell
}

// writeLines writes a table as CSV, each row as it comes. What a tool or a customer has
// written cannot be run by a spreadsheet.
func writeLines[T any](w io.Writer, columns []string, rows iter.Seq2[T, error], line func(T) []string) error {
	out := csv.NewWriter(w)
	err := out.Write(columns)
	for row, failed := range rows {
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		cells := line(row)
		for i := range cells {
			cells[i] = Defuse(cells[i])
		}
		err = out.Write(cells)
	}
	out.Flush()
	return errors.Join(err, out.Error())
}

// Unhurried gives each part of a download its own time: a large file takes longer than
// an answer may.
type Unhurried struct{ http.ResponseWriter }

// partTime is how long a reader may take for a part of a download.
const partTime = 30 * time.Second

func (w Unhurried) Write(text []byte) (int, error) {
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(partTime)) // none can be set in a test
	return w.ResponseWriter.Write(text)
}

// WriteExceptions writes exceptions as CSV.
func WriteExceptions(w io.Writer, rows iter.Seq2[Exception, error]) error {
	columns := []string{"id", "sync", "customer", "kind", "stage", "reason", "source_value", "target_value", "last_action", "confidence",
		"owner", "state", "count", "first_seen", "last_seen", "candidates", "name", "owner_name"}
	return writeLines(w, columns, rows, func(x Exception) []string {
		var candidates []string
		for _, c := range x.Candidates {
			candidates = append(candidates, c.TargetID)
		}
		return []string{strconv.FormatInt(x.ID, 10), x.Sync, x.Customer, string(x.Kind), string(x.Stage), x.Reason, x.SourceValue, x.TargetValue, x.LastAction,
			strconv.FormatFloat(x.Confidence, 'g', -1, 64), x.Owner, string(x.State), strconv.Itoa(x.Count), rfc3339(x.FirstSeen), rfc3339(x.LastSeen),
			strings.Join(candidates, " "), x.Name, x.OwnerName}
	})
}

// WriteActivity writes acts as CSV.
func WriteActivity(w io.Writer, rows iter.Seq2[Activity, error]) error {
	columns := []string{"id", "at", "who", "who_name", "for", "for_name", "way", "about", "sync", "customer", "name", "code", "text", "reason", "kind",
		"count", "customers", "saw_source", "saw_target", "changes"}
	return writeLines(w, columns, rows, func(a Activity) []string {
		var customers, changes []string
		for _, c := range a.Customers {
			customers = append(customers, c.Customer)
		}
		for _, c := range a.Changes {
			changes = append(changes, c.Path+": "+c.From+" → "+c.To)
		}
		count, saw := "", ActivitySaw{}
		if a.Count > 0 {
			count = strconv.Itoa(a.Count)
		}
		if a.Saw != nil {
			saw = *a.Saw
		}
		return []string{strconv.FormatInt(a.ID, 10), rfc3339(a.At), a.Who, a.WhoName, a.For, a.ForName, string(a.Way), string(a.About), a.Sync, a.Customer, a.Name,
			string(a.Code), a.Text, a.Reason, string(a.Kind), count, strings.Join(customers, " "), saw.Source, saw.Target, strings.Join(changes, "; ")}
	})
}

// WritePlanRows writes the rows of a plan as CSV.
func WritePlanRows(w io.Writer, rows iter.Seq2[store.PlanRow, error]) error {
	columns := []string{"customer", "target_id", "action", "kind", "reason", "before", "after", "state", "note", "name"}
	return writeLines(w, columns, rows, func(r store.PlanRow) []string {
		return []string{r.Customer, r.TargetID, r.Action, string(r.Kind), r.Reason.Sentence(), r.Before, r.After, string(r.State), r.Note, r.Name}
	})
}

func rfc3339(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339)
}
