package main

import (
	"encoding/json"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trueup-sync/trueup/internal/bench"
)

// benched are the rows that trueup bench prints, with the measurement that makes them, and
// where a floor is known on one engine only, which.
var benched = []struct{ measurement, what, floor, only string }{
	{"start", "start to ready, 0 customers", "the bare program's", ""},
	{"start", "memory when ready, 0 customers", "the bare program's", ""},
	{"start", "start to ready, 40 customers", "the bare program's", ""},
	{"start", "memory when ready, 40 customers", "the bare program's", ""},
	{"accept", "accept, 1 sender", "handler that only checks the signature", ""},
	{"accept", "accept, 16 senders", "handler that only checks the signature", ""},
	{"accept", "accept, 64 senders", "handler that only checks the signature", ""},
	{"accept", "accept, 256 senders", "handler that only checks the signature", ""},
	{"accept", "accept, 1 sender", "raw fdatasync of 512 bytes each", "sqlite"},
	{"accept", "accept, 256 senders", "raw inserts of 256 rows a transaction", ""},
	{"carry", "end to end, 0s target", "the same three calls, nothing stored", ""},
	{"carry", "end to end, 20ms target", "the same three calls, nothing stored", ""},
	{"burst", "burst of 40 events, 40 customers", "answer each, then carry each customer once", ""},
	{"burst", "memory, at most in the burst", "the bare program's", ""},
	{"burst", "stream of 40 events, 10 customers", "the same three calls for each, nothing stored", ""},
	{"sweep", "sweep of 40 customers", "the same pages, read as JSON and dropped", ""},
	{"sweep", "accept in the sweep, p99", "the bare handler while the pages are read", ""},
}

// benchRows checks that a report has each row of each engine named, with its floor, of
// every measurement that was made.
func benchRows(ts *testscript.TestScript, _ bool, args []string) {
	var r bench.Report
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &r))
	found, made := map[string]bool{}, map[string]bool{}
	for _, row := range r.Rows {
		made[row.Measurement] = true
		found[row.Engine+"|"+row.What+"|"+row.Floor.What] = true
		// Only Linux says how much memory a program has.
		if (row.Trueup.Value <= 0 || row.Floor.Value <= 0 || row.Ratio <= 0) && row.Unit != "MB" {
			ts.Fatalf("%s on %s has no figure: %+v", row.What, row.Engine, row)
		}
		if strings.HasPrefix(row.What, "accept, ") && (row.Trueup.P50Ms <= 0 || row.Trueup.P99Ms < row.Trueup.P50Ms) {
			ts.Fatalf("%s on %s has no percentiles: %+v", row.What, row.Engine, row)
		}
	}
	want := 0
	for _, b := range benched {
		for _, engine := range args[1:] {
			if b.only != "" && b.only != engine || !made[b.measurement] {
				continue
			}
			want++
			if !found[engine+"|"+b.what+"|"+b.floor] {
				ts.Fatalf("there is no row %q beside %q on %s", b.what, b.floor, engine)
			}
		}
	}
	if len(r.Rows) != want || want == 0 {
		ts.Fatalf("%d rows, not %d", len(r.Rows), want)
	}
	if r.Machine.Processors < 1 || r.Machine.System == "" {
		ts.Fatalf("the machine is not known: %+v", r.Machine)
	}
}
