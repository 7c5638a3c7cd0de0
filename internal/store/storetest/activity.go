package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

// acts returns the acts that a filter chooses, the latest first.
func (f fixture) acts(chosen store.ActivityFilter) []store.Activity {
	f.Helper()
	if chosen.Limit == 0 {
		chosen.Limit = 50
	}
	found, err := f.db.Activities(f.ctx, chosen)
	f.must(err)
	return found
}

// told is each act in a line.
func told(acts []store.Activity) (lines []string) {
	for _, a := range acts {
		who := a.Who
		if a.For != "" {
			who += " for " + a.For
		}
		line := fmt.Sprintf("%s by %s: %s", who, a.Way, withCustomer(a).Sentence())
		if a.Why != "" {
			line += " (" + a.Why + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

// withCustomer is an act as it is told.
func withCustomer(a store.Activity) reason.Reason {
	a.Act.Facts.Sync, a.Act.Facts.Customer = a.Sync, a.Customer
	return a.Act
}

// actBy does something about an exception.
func (f fixture) actBy(ctx context.Context, a store.Act) {
	f.Helper()
	_, err := f.db.Act(ctx, a)
	f.must(err)
}

var activity = map[string]func(*testing.T, Open){
	"a mode is told with who changed to it and why, and not with an earlier change": func(t *testing.T, open Open) {
		f := fresh(t, open)
		acted := func(code reason.Code, why string) {
			f.clock.Move(time.Minute)
			f.must(f.db.Record(f.ctx, store.Activity{Who: "ana", Sync: sync1, Why: why, Act: reason.Reason{Code: code, Facts: reason.Facts{Sync: sync1}}}))
		}
		is := func(live bool, why string) {
			t.Helper()
			f.clock.Move(time.Minute)
			f.must(f.db.SetMode(f.ctx, sync1, live))
			all, err := f.db.Modes(f.ctx)
			f.must(err)
			got := ""
			if a := all[sync1].Act; a != nil {
				got = a.Who + ": " + a.Why
			}
			if got != why {
				t.Errorf("%s since %s is told as %q, not %q", all[sync1].Mode, all[sync1].Since, got, why)
			}
		}
		is(false, "") // the file
		acted(reason.ActWentLive, "agreed")
		is(true, "ana: agreed")
		is(true, "ana: agreed")
		is(false, "") // by hand
		is(true, "")  // by hand
		acted(reason.ActWatched, "rebuilt")
		is(true, "") // nobody has read the file yet
		is(false, "ana: rebuilt")
	},
	"each act is recorded with who did it, by which way and why": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.NoteNames(f.ctx, []store.Named{{Kind: store.SyncName, Name: sync1, Source: "billing", Target: "crm"}, {Kind: store.SyncName, Name: "gone"}}))
		f.seen(0, 2)
		id := f.park("cus_0")
		page, bot := store.By(f.ctx, "ana", store.ByPage), store.By(f.ctx, "api:bot", store.ByAPI)
		f.actBy(page, store.Act{Exception: id, Verb: store.Acknowledge, Who: "ana"})
		f.actBy(store.By(f.ctx, "", store.BySlack), store.Act{Exception: id, Verb: store.Assign, Who: "ben", Owner: "zoe"})
		f.actBy(bot, store.Act{Exception: id, Verb: store.Retry, Who: "ana via api:bot"})
		f.actBy(page, store.Act{Exception: id, Verb: store.Ignore, Who: "ana", Ignored: store.IgnoredUntilChange})
		f.actBy(page, store.Act{Exception: id, Verb: store.Ignore, Who: "ana", Ignored: store.IgnoredAlways})
		f.actBy(page, store.Act{Exception: id, Verb: store.Reopen, Who: "ana"})
		f.actBy(page, store.Act{Exception: id, Verb: store.LinkTo, Who: "ana", TargetID: "rec_9"})
		f.actBy(page, store.Act{Exception: id, Verb: store.Rematch, Who: "ana"})
		f.actBy(page, store.Act{Exception: id, Verb: store.Resolve, Who: "ana"})
		f.actBy(page, store.Act{Exception: id, Verb: store.Retry, Itself: true, Who: "trueup, because the configuration changed"})
		_, _, err := f.db.PauseSync(page, sync1, "ana", "importing contacts")
		f.must(err)
		_, err = f.db.Resume(page, store.Resume{Sync: sync1, Who: "ben", Reason: "done"})
		f.must(err)
		_, err = f.db.PinCustomer(page, store.Pin{Sync: sync1, Customer: "cus_1", By: "ana", Reason: "disputed"})
		f.must(err)
		_, err = f.db.Unpin(page, sync1, "cus_1", "ana")
		f.must(err)
		f.must(f.db.SetLink(page, store.Link{Sync: sync1, Customer: "cus_1", TargetID: "rec_1", By: "ana", Confidence: 1}))
		f.must(f.db.RemoveLink(page, sync1, "cus_1", "ana"))
		_, err = f.db.ImportLinks(page, sync1, []store.Link{{Customer: "cus_0", TargetID: "rec_0", By: "ana"}, {Customer: "cus_1", TargetID: "rec_1", By: "ana"}})
		f.must(err)
		_, err = f.db.RemoveLinks(page, sync1, "ana", nil)
		f.must(err)
		_, err = f.db.AddAPIToken(page, store.APIToken{Name: "dashboard", Role: store.Viewer, CreatedBy: "ana"}, "hash")
		f.must(err)
		f.must(f.db.RevokeAPIToken(page, "dashboard"))
		_, err = f.db.End(page, store.SyncName, "gone", "ana")
		f.must(err)
		_, err = f.db.Rename(store.By(f.ctx, "", store.ByFile), store.Rename{Kind: store.SyncName, Old: sync1, New: "moved"})
		f.must(err)
		want := []string{
			"trueup by file: Renamed the sync customer-status to moved",
			"ana by page: Removed gone, which the file no longer has",
			"ana by page: Revoked the token dashboard",
			"ana by page: Created the token dashboard with the role viewer",
			"ana by page: Removed 2 links of moved",
			"ana by page: Imported 2 links of moved",
			"ana by page: Removed the link of cus_1",
			"ana by page: Said that cus_1 is the crm record rec_1",
			"ana by page: Unpinned cus_1",
			"ana by page: Pinned cus_1 (disputed)",
			"ben by page: Resumed moved (done)",
			"ana by page: Paused moved (importing contacts)",
			"ana by page: Closed the exception of cus_0",
			"ana by page: Removed the link of cus_0 and had it matched again",
			"ana by page: Said that cus_0 is the crm record rec_9",
			"ana by page: Opened the exception of cus_0 again",
			"ana by page: Ignored the exception of cus_0 permanently",
			"ana by page: Ignored the exception of cus_0 until billing changes",
			"api:bot for ana by api: Looked again at cus_0",
			"ben by slack: Assigned the exception of cus_0 to zoe",
			"ana by page: Acknowledged the exception of cus_0",
		}
		if diff := cmp.Diff(want, told(f.acts(store.ActivityFilter{}))); diff != "" {
			t.Error(diff)
		}
		doers, err := f.db.Doers(f.ctx, 10)
		f.must(err)
		if !slices.Equal(doers, []string{"ana", "api:bot", "ben", "trueup"}) {
			t.Errorf("who did anything is %v", doers)
		}
	},
	"what was done already, or was refused, is no act": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.seen(0, 1)
		id := f.park("cus_0")
		for range 2 {
			f.actBy(f.ctx, store.Act{Exception: id, Verb: store.Acknowledge, Who: "ana", Key: "k"})
			_, _, err := f.db.PauseSync(f.ctx, sync1, "ana", "importing")
			f.must(err)
			_, err = f.db.PinCustomer(f.ctx, store.Pin{Sync: sync1, Customer: "cus_0", By: "ana", Reason: "disputed"})
			f.must(err)
			f.must(f.db.SetLink(f.ctx, store.Link{Sync: sync1, Customer: "cus_0", TargetID: "rec_0", By: "ana", Confidence: 1}))
			f.apiToken2("dashboard")
		}
		for range 2 {
			f.must(f.db.RevokeAPIToken(f.ctx, "dashboard"))
		}
		_, err := f.db.Act(f.ctx, store.Act{Exception: id, Verb: store.UseSource, Who: "ana"})
		if pinned := new(store.PinnedError); !errors.As(err, &pinned) {
			t.Errorf("it came to %v", err)
		}
		if lines := told(f.acts(store.ActivityFilter{})); len(lines) != 6 {
			t.Errorf("six acts were done, and these are told:\n%s", strings.Join(lines, "\n"))
		}
	},
	"what was asked for at once is one line with its customers": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.seen(0, 25)
		once := store.Together(f.ctx)
		for i := range 25 {
			f.actBy(store.Together(once), store.Act{Exception: f.park(fmt.Sprintf("cus_%d", i)), Verb: store.Ignore, Who: "ana", Ignored: store.IgnoredAlways})
		}
		_, _, err := f.db.PauseSync(once, sync1, "ana", "importing")
		f.must(err)
		f.actBy(store.Together(f.ctx), store.Act{Exception: f.park("cus_3"), Verb: store.Reopen, Who: "ana"})
		acts := f.acts(store.ActivityFilter{})
		want := []string{"ana by : Opened the exception of cus_3 again", "ana by : Paused customer-status (importing)", "ana by : Ignored 25 exceptions permanently"}
		if diff := cmp.Diff(want, told(acts)); diff != "" {
			t.Fatal(diff)
		}
		if all := acts[2].All; len(all) != 20 || all[0].Customer != "cus_0" || all[19].Customer != "cus_19" || acts[0].All != nil {
			t.Errorf("its customers are %v, and those of one %v", all, acts[0].All)
		}
	},
	"acts are chosen by who, what, sync and time, and paged": func(t *testing.T, open Open) {
		f := fresh(t, open)
		record := func(who, sync string, code reason.Code) {
			f.clock.Move(time.Hour)
			f.must(f.db.Record(f.ctx, store.Activity{Who: who, Sync: sync, Act: reason.Reason{Code: code}}))
		}
		record("ana", "a", reason.ActPaused)
		record("ana via api:bot", "b", reason.ActResumed)
		noon := f.clock.Now()
		record("api:bot", "a", reason.ActPinned)
		record("ben", "", reason.ActTokenCreated)
		for name, tt := range map[string]struct {
			chosen store.ActivityFilter
			want   []reason.Code
		}{
			"all":                   {store.ActivityFilter{}, []reason.Code{reason.ActTokenCreated, reason.ActPinned, reason.ActResumed, reason.ActPaused}},
			"a person":              {store.ActivityFilter{Who: "ana"}, []reason.Code{reason.ActResumed, reason.ActPaused}},
			"a token by its name":   {store.ActivityFilter{Who: "bot"}, []reason.Code{reason.ActPinned, reason.ActResumed}},
			"a token as it is kept": {store.ActivityFilter{Who: "api:bot"}, []reason.Code{reason.ActPinned, reason.ActResumed}},
			"a topic":               {store.ActivityFilter{About: reason.AboutMode}, []reason.Code{reason.ActResumed, reason.ActPaused}},
			"a sync":                {store.ActivityFilter{Sync: "a"}, []reason.Code{reason.ActPinned, reason.ActPaused}},
			"since a time":          {store.ActivityFilter{Since: noon}, []reason.Code{reason.ActTokenCreated, reason.ActPinned, reason.ActResumed}},
			"several":               {store.ActivityFilter{Who: "ana", Sync: "a", About: reason.AboutMode, Since: noon}, nil},
		} {
			var pages []reason.Code
			for tt.chosen.Limit = 1; ; {
				page := f.acts(tt.chosen)
				if len(page) == 0 {
					break
				}
				pages, tt.chosen.Before = append(pages, page[0].Act.Code), page[0].ID
			}
			if !slices.Equal(pages, tt.want) {
				t.Errorf("%s: %v, not %v", name, pages, tt.want)
			}
		}
	},
	"a changed file is an act of nobody, with its settings and without its secrets": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for i, r := range []store.ConfigReading{
			{Digest: "d1", Settings: map[string]string{"syncs.a.mode": "watch", "connections.billing.api_key": "(secret)"}},
			{Digest: "d1", Settings: map[string]string{"syncs.a.mode": "watch"}},
			{Digest: "d2", Settings: map[string]string{"syncs.a.mode": "live", "connections.billing.api_key": "(secret)"}, Secrets: []string{"connections.billing.api_key"}},
			{Digest: "d3", Settings: map[string]string{"syncs.a.mode": "live", "syncs.a.limits.mass_change.customers": "50", "connections.billing.api_key": "(secret)"}},
		} {
			r.Node = fmt.Sprintf("host-%d", i)
			f.must(f.db.NoteConfig(store.By(f.ctx, "root", store.ByCommand), r))
		}
		acts := f.acts(store.ActivityFilter{About: reason.AboutMap})
		want := []string{"trueup by file: Read trueup.yaml again: 1 setting changed in a", "trueup by file: Read trueup.yaml again: 2 settings changed", "trueup by file: Read trueup.yaml for the first time"}
		if diff := cmp.Diff(want, told(acts)); diff != "" {
			t.Fatal(diff)
		}
		changes := []reason.Change{{Path: "connections.billing.api_key", From: "(secret)", To: "(another secret)"}, {Path: "syncs.a.mode", From: "watch", To: "live"}}
		if diff := cmp.Diff(changes, acts[1].Act.Facts.Changes); diff != "" {
			t.Error(diff)
		}
	},
	"of a forgotten customer the acts stay, and nothing that names them": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.seen(0, 2)
		f.actBy(f.ctx, store.Act{Exception: f.park("cus_0"), Verb: store.LinkTo, Who: "ana", TargetID: "rec_jane_1"})
		_, err := f.db.PinCustomer(f.ctx, store.Pin{Sync: sync1, Customer: "cus_0", By: "ana", Reason: "rec_jane_1 is disputed"})
		f.must(err)
		_, err = f.db.PinCustomer(f.ctx, store.Pin{Sync: sync1, Customer: "cus_1", By: "ana", Reason: "see rec_jane_1"})
		f.must(err)
		done, err := f.db.Forget(store.By(f.ctx, "zoe", store.ByPage), sync1, "cus_0", "cus_0")
		f.must(err)
		if done.Rows["activity"] < 3 {
			t.Errorf("it changed %v", done.Rows)
		}
		acts := f.acts(store.ActivityFilter{})
		text := fmt.Sprintf("%+v", acts)
		if strings.Contains(text, "cus_0") || strings.Contains(text, "rec_jane_1") || len(acts) != 4 {
			t.Errorf("these are told:\n%s", strings.Join(told(acts), "\n"))
		}
		if want := "zoe by page: Forgot a customer, who is now called " + done.Pseudonym; told(acts)[0] != want {
			t.Errorf("the last one is %q, not %q", told(acts)[0], want)
		}
	},
	"acts are deleted when they are old": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.Record(f.ctx, store.Activity{Who: "ana", Act: reason.Reason{Code: reason.ActPaused}}))
		f.clock.Move(48 * time.Hour)
		f.must(f.db.Record(f.ctx, store.Activity{Who: "ben", Act: reason.Reason{Code: reason.ActPaused}}))
		n, _, err := f.db.DeleteOld(f.ctx, store.OldActivity, f.clock.Now().Add(-24*time.Hour), 0, 10)
		f.must(err)
		if left := f.acts(store.ActivityFilter{}); n != 1 || len(left) != 1 || left[0].Who != "ben" {
			t.Errorf("%d were deleted, and %v are left", n, told(left))
		}
	},
	"a code that is no act is not recorded": func(t *testing.T, open Open) {
		f := fresh(t, open)
		if err := f.db.Record(f.ctx, store.Activity{Who: "ana", Act: reason.Reason{Code: reason.AlreadyEqual}}); err == nil || len(f.acts(store.ActivityFilter{})) > 0 {
			t.Errorf("it came to %v", err)
		}
	},
}

// apiToken2 adds a token that may be there.
func (f fixture) apiToken2(name string) {
	f.Helper()
	_, err := f.db.AddAPIToken(f.ctx, store.APIToken{Name: name, Role: store.Viewer, CreatedBy: "ana"}, name)
	if !errors.Is(err, store.ErrTaken) {
		f.must(err)
	}
}
