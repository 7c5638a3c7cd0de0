package contract

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/store"
)

func TestHowFarAListIsReadIsSaidInPlainWords(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	date := func(t time.Time) string { return t.Format("Jan 2, 15:04") }
	tell := Teller{Since: func(t time.Time) string { return "since " + date(t) }, Ago: func(t time.Time) string { return now.Sub(t).String() + " ago" },
		Date: date, Until: func(t time.Time) string { return "in " + t.Sub(now).String() }, Num: strconv.Itoa}
	reading := store.Listing{Began: now.Add(-2 * time.Hour), Pages: 342, Records: 34200, Changes: 1}
	last := store.Listing{Began: now.Add(-26 * time.Hour), Ended: now.Add(-24 * time.Hour), Pages: 1, Records: 7}
	stop := func(by string) store.Stop {
		return store.Stop{By: by, At: now.Add(-3 * time.Minute), Until: now.Add(time.Minute)}
	}
	for name, tt := range map[string]struct {
		poll store.Poll
		want []string
	}{
		"never asked": {store.Poll{}, nil},
		"the first time, it is only looked for where to begin": {store.Poll{UnderWay: true, Reading: reading},
			[]string{"reading the list of billing since Nov 29, 10:00: 34200 records on 342 pages so far, 1 change; it is the first time, so it only finds out where to begin"}},
		"a list that is read after another": {store.Poll{UnderWay: true, From: now.Add(-24 * time.Hour), Reading: reading, Last: last},
			[]string{"reading the list of billing since Nov 29, 10:00: 34200 records on 342 pages so far, 1 change; it asks for what changed from Nov 28, 12:00 on",
				"the one before was read to its end 24h0m0s ago"}},
		"a list whose position has no time": {store.Poll{UnderWay: true, Reading: reading, Last: last},
			[]string{"reading the list of billing since Nov 29, 10:00: 34200 records on 342 pages so far, 1 change", "the one before was read to its end 24h0m0s ago"}},
		"a list that a limit has stopped": {store.Poll{UnderWay: true, From: now, Reading: reading, Stopped: stop("rate_limited")},
			[]string{"reading the list of billing since Nov 29, 10:00: 34200 records on 342 pages so far, 1 change; it asks for what changed from Nov 29, 12:00 on",
				"stopped 3m0s ago: billing is at its limit; it continues with page 343 in 1m0s"}},
		"a list that could not be begun": {store.Poll{Stopped: stop("unauthorized"), Last: last},
			[]string{"stopped 3m0s ago: billing refuses the credentials; it continues in 1m0s",
				"the list of billing was read to its end 24h0m0s ago: 7 records on 1 page, 0 changes"}},
		"a reason that nobody knows": {store.Poll{Stopped: stop("moved")}, []string{"stopped 3m0s ago: billing could not be asked; it continues in 1m0s"}},
		"one that an earlier version read, which counted nothing": {store.Poll{Last: store.Listing{Ended: last.Ended}},
			[]string{"the list of billing was read to its end 24h0m0s ago"}},
	} {
		if diff := cmp.Diff(tt.want, PollOf(tt.poll).Texts("billing", tell)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
