package contract

import (
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
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

var exceptionColumns = []string{"id", "sync", "customer", "kind", "stage", "reason", "source_value", "target_value", "last_action", "confidence",
	"owner", "state", "count", "first_seen", "last_seen", "candidates", "name", "owner_name"}

// WriteExceptions writes exceptions as CSV, each as it comes. What a tool or a customer
// has written cannot be run by a spreadsheet.
func WriteExceptions(w io.Writer, rows iter.Seq2[Exception, error]) error {
	out := csv.NewWriter(w)
	err := out.Write(exceptionColumns)
	for x, failed := range rows {
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		var candidates []string
		for _, c := range x.Candidates {
			candidates = append(candidates, c.TargetID)
		}
		line := []string{strconv.FormatInt(x.ID, 10), x.Sync, x.Customer, string(x.Kind), string(x.Stage), x.Reason, x.SourceValue, x.TargetValue, x.LastAction,
			strconv.FormatFloat(x.Confidence, 'g', -1, 64), x.Owner, string(x.State), strconv.Itoa(x.Count), rfc3339(x.FirstSeen), rfc3339(x.LastSeen),
			strings.Join(candidates, " "), x.Name, x.OwnerName}
		for i := range line {
			line[i] = Defuse(line[i])
		}
		err = out.Write(line)
	}
	out.Flush()
	return errors.Join(err, out.Error())
}

func rfc3339(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339)
}
