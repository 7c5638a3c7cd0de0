package main

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

var linkColumns = []string{"sync", "customer", "target_id", "rule", "confidence", "by", "at"}

func writeLinks(w io.Writer, links []store.Link) error {
	out := csv.NewWriter(w)
	rows := [][]string{linkColumns}
	for _, l := range links {
		rows = append(rows, []string{contract.Defuse(l.Sync), contract.Defuse(l.Customer), contract.Defuse(l.TargetID), contract.Defuse(l.Rule),
			strconv.FormatFloat(l.Confidence, 'g', -1, 64), contract.Defuse(l.By), l.At.UTC().Format(time.RFC3339)})
	}
	return out.WriteAll(rows)
}
