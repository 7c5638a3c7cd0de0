package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/api"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Each list is read to its end while rows come in before, behind and among
// those that are still to be read.
func TestAPageNeitherLeavesOutNorRepeatsWhatWasThere(t *testing.T) {
	const rows = 7
	tests := map[string]struct {
		path string
		key  string // of the row
		want []string
		// meanwhile happens after page n.
		meanwhile func(w *world, n int)
	}{
		"events":     {"/events", "customer", reversed(numbered("cus_%d", rows)), func(w *world, n int) { w.receive(event(fmt.Sprint("late_", n), "cus_0")) }},
		"exceptions": {"/exceptions", "customer", reversed(numbered("cus_%d", rows)), func(w *world, n int) { w.again("cus_0", "cus_6", fmt.Sprint("new_", n)) }},
		"customers":  {"/customers", "customer", numbered("cus_%d", rows), func(w *world, n int) { w.receive(event(fmt.Sprint("late_", n), fmt.Sprint("a_", n))) }},
		"links": {"/links", "customer", numbered("cus_%d", rows), func(w *world, n int) {
			w.must(w.db.SetLink(w.Context(), store.Link{Sync: flow, Customer: fmt.Sprint("a_", n), TargetID: fmt.Sprint("rec_a", n), By: "ana"}))
		}},
		"plans":  {"/plans", "hash", []string{hashOf(6), hashOf(5), hashOf(4), hashOf(3), hashOf(2), hashOf(1), hashOf(0)}, func(w *world, n int) { w.plan(100 + n) }},
		"groups": {"/exceptions/groups", "cause", numbered("cause_%d", rows), func(w *world, n int) { w.again("cus_6", fmt.Sprint("new_", n)) }},
	}
	onBothEngines(t, func(w *world) {
		w.park(status.UnmappedStatus, numbered("cus_%d", rows)...)
		for n := range rows {
			w.plan(n, "cus_1")
			w.must(w.db.SetLink(w.Context(), store.Link{Sync: flow, Customer: fmt.Sprint("cus_", n), TargetID: fmt.Sprint("rec_", n), By: "ana"}))
			_, err := w.db.OpenException(w.Context(), store.NewException{Sync: flow, Customer: fmt.Sprint("cus_", n), Kind: status.UnmappedStatus, Cause: fmt.Sprint("cause_", n)})
			w.must(err)
		}
		for name, tt := range tests {
			var got []string
			next := "?sync=" + flow + "&limit=3"
			for n := 0; ; n++ {
				var page api.List[map[string]any]
				w.ask(store.Viewer, "GET", tt.path+next, "").ok(&page)
				for _, row := range page.Items {
					got = append(got, row[tt.key].(string))
				}
				if page.Next == nil {
					break
				}
				if len(page.Items) != 3 {
					w.Errorf("%s: page %d has %d rows", name, n, len(page.Items))
				}
				next = "?sync=" + flow + "&limit=3&cursor=" + url.QueryEscape(*page.Next)
				tt.meanwhile(w, n)
			}
			got = slices.DeleteFunc(got, func(row string) bool { return !slices.Contains(tt.want, row) })
			if diff := cmp.Diff(tt.want, got); diff != "" {
				w.Errorf("%s: %s", name, diff)
			}
		}
	})
}

func TestTheLastPageSaysSoAndAnEmptyListIsNone(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Unmatched, numbered("cus_%d", 3)...)
		for path, want := range map[string]string{"/events?limit=3": `"next":null`, "/events?limit=2": `"next":"`, "/links": `{"items":[],"next":null}`} {
			if a := w.ask(store.Viewer, "GET", path, ""); !strings.Contains(string(a.text), want) {
				w.Errorf("%s: %s", path, a.text)
			}
		}
	})
}

// again lets exceptions be seen once more, or for the first time as one more of
// the last group.
func (w *world) again(customers ...string) {
	w.Helper()
	for _, c := range customers {
		cause := "cause_6"
		if n, known := strings.CutPrefix(c, "cus_"); known {
			cause = "cause_" + n
		}
		_, err := w.db.OpenException(w.Context(), store.NewException{Sync: flow, Customer: c, Kind: status.UnmappedStatus, Cause: cause})
		w.must(err)
	}
}

func reversed(s []string) []string {
	slices.Reverse(s)
	return s
}
