package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"trueup/internal/contract"
	"trueup/internal/store"
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

// readLinks reads links by sync that somebody imports, and the syncs in the
// order of the file. It reports every bad line at once.
func readLinks(r io.Reader, who string) (map[string][]store.Link, []string, error) {
	in := csv.NewReader(r)
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, nil, err
	}
	header[0] = strings.TrimPrefix(header[0], "\uFEFF") // as spreadsheets write it
	column := map[string]int{}
	for i, name := range header {
		column[strings.TrimSpace(name)] = i
	}
	for _, name := range linkColumns[:3] {
		if _, ok := column[name]; !ok {
			return nil, nil, fmt.Errorf("line 1: the column %s is missing; the first line must name the columns: %s", name, strings.Join(linkColumns[:3], ","))
		}
	}
	links := map[string][]store.Link{}
	var order []string
	var faults []error
	customers := map[[2]string]int{}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, errors.Join(append(faults, err)...)
		}
		line, _ := in.FieldPos(0)
		cell := func(name string) string { return contract.Restore(strings.TrimSpace(row[column[name]])) }
		l := store.Link{Sync: cell("sync"), Customer: cell("customer"), TargetID: cell("target_id"), Rule: "imported", Confidence: 1, By: who}
		key := [2]string{l.Sync, l.Customer}
		switch {
		case l.Sync == "" || l.Customer == "" || l.TargetID == "":
			faults = append(faults, fmt.Errorf("line %d: sync, customer and target_id must not be empty", line))
			continue
		case customers[key] != 0:
			faults = append(faults, fmt.Errorf("line %d: customer %s is already in line %d", line, l.Customer, customers[key]))
			continue
		}
		customers[key] = line
		if !slices.Contains(order, l.Sync) {
			order = append(order, l.Sync)
		}
		links[l.Sync] = append(links[l.Sync], l)
	}
	return links, order, errors.Join(faults...)
}
