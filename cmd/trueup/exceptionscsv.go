package main

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"trueup/internal/contract"
)

var exceptionColumns = []string{"id", "sync", "customer", "kind", "stage", "reason", "source_value", "target_value", "last_action", "confidence",
	"owner", "state", "count", "first_seen", "last_seen", "candidates", "name"}

// writeExceptions prints exceptions as CSV. What a tool or a customer has
// written cannot be run by a spreadsheet.
func writeExceptions(w io.Writer, rows []contract.Exception) error {
	out := csv.NewWriter(w)
	lines := [][]string{exceptionColumns}
	for _, x := range rows {
		var candidates []string
		for _, c := range x.Candidates {
			candidates = append(candidates, c.TargetID)
		}
		line := []string{strconv.FormatInt(x.ID, 10), x.Sync, x.Customer, string(x.Kind), string(x.Stage), x.Reason, x.SourceValue, x.TargetValue, x.LastAction,
			strconv.FormatFloat(x.Confidence, 'g', -1, 64), x.Owner, string(x.State), strconv.Itoa(x.Count), rfc3339(x.FirstSeen), rfc3339(x.LastSeen),
			strings.Join(candidates, " "), x.Name}
		for i := range line {
			line[i] = defuse(line[i])
		}
		lines = append(lines, line)
	}
	return out.WriteAll(lines)
}

func rfc3339(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339)
}
