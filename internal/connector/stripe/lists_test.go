package stripe

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

func subJSON(id, customer string, s Subscription) string {
	rest := ""
	if s.CollectionPaused {
		rest += `,"pause_collection":{"behavior":"void"}`
	}
	if !s.EndedAt.IsZero() {
		rest += fmt.Sprintf(`,"ended_at":%d`, s.EndedAt.Unix())
	}
	return fmt.Sprintf(`{"id":%q,"object":"subscription","customer":%q,"status":%q%s}`, id, customer, s.Status, rest)
}

// everybody goes through the whole list.
func everybody(t interface{ Fatal(...any) }, l connector.SourceList) (all []status.SourceRecord) {
	for cursor := ""; ; {
		records, next, err := l.List(context.Background(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, records...)
		if next == "" {
			return all
		}
		cursor = next
	}
}

func TestTheListSaysOfEveryCustomerWhatReadSays(t *testing.T) {
	f := newFake(t)
	conn := f.open()
	rapid.Check(t, func(t *rapid.T) {
		customers, subs := map[string]string{}, []string{}
		for n := range rapid.IntRange(0, 6).Draw(t, "customers") {
			id := fmt.Sprint("cus_", n)
			customers[id] = fmt.Sprintf(`{"id":%q,"object":"customer","email":"c%d@example.com","metadata":{"ghl_contact_id":"c%d"}}`, id, n, n)
			of := rapid.SliceOfN(rapid.Custom(drawSubscription).Filter(func(s Subscription) bool { return s.Status != "" }), 0, 13).Draw(t, "subscriptions")
			for k, s := range of {
				subs = append(subs, subJSON(fmt.Sprint("sub_", n, "_", k), id, s))
			}
		}
		f.mu.Lock()
		f.customers, f.subscriptions = customers, subs
		f.mu.Unlock()
		listed := everybody(t, conn.SourceList)
		if len(listed) != len(customers) {
			t.Fatalf("%d of %d customers are listed", len(listed), len(customers))
		}
		for _, got := range listed {
			want, err := conn.Source.Read(context.Background(), got.ID)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("Read (-) and List (+) of %s:\n%s", got.ID, diff)
			}
		}
	})
}

// Stripe counts reads: whoever is active costs none of his own.
func TestTheListAsksAgainOnlyWhereItCouldDiffer(t *testing.T) {
	f := newFake(t)
	for n := range 2*listSize + 20 {
		id := fmt.Sprintf("cus_%03d", n)
		f.customers[id] = fmt.Sprintf(`{"id":%q,"object":"customer"}`, id)
		word := active
		switch n {
		case 7:
			word = canceled
		case listSize:
			word = paused
		}
		f.subscriptions = append(f.subscriptions, subJSON("sub_"+id, id, Subscription{Status: word}))
	}
	f.customers["cus_gone"] = `{"id":"cus_gone","object":"customer","deleted":true}`
	all := everybody(t, f.open().SourceList)
	if len(all) != 2*listSize+20 {
		t.Errorf("%d customers are listed", len(all))
	}
	var lists, single []string
	for _, r := range f.seen() {
		if strings.Contains(r, "/v1/customers") {
			lists = append(lists, r)
		} else {
			single = append(single, r)
		}
	}
	if len(lists) != 3 || len(single) != 2 || !slices.ContainsFunc(single, func(r string) bool { return strings.Contains(r, "customer=cus_007") }) {
		t.Errorf("%d pages and then %q", len(lists), single)
	}
}

func TestWhatTheListCannotRead(t *testing.T) {
	f := newFake(t)
	f.customers["cus_1"] = `{"id":"cus_1","object":"customer"}`
	list := f.open().SourceList
	for name, test := range map[string]struct {
		body, cursor, want string
		kind               connector.FailureKind
	}{
		"something else than customers":         {`{"object":"list","data":[{"id":"sub_1","object":"subscription"}]}`, "", "lists something else", connector.Misconfigured},
		"another customer's subscription":       {`{"object":"list","data":[{"id":"cus_1","object":"customer","subscriptions":{"data":[{"id":"sub_1","object":"subscription","customer":"cus_2","status":"active"}]}}]}`, "", "another customer", connector.Misconfigured},
		"a promise of more that does not go on": {`{"object":"list","data":[],"has_more":true}`, "", "has no next page", connector.Misconfigured},
		"the same page again":                   {`{"object":"list","data":[{"id":"cus_1","object":"customer"}],"has_more":true}`, "cus_1", "has no next page", connector.Misconfigured},
		"a place that is lost":                  {"", "cus_vanished", "start the list again", connector.Misconfigured},
	} {
		t.Run(name, func(t *testing.T) {
			f.instead = func(w http.ResponseWriter, r *http.Request) bool {
				if test.body == "" || r.URL.Path != "/v1/customers" {
					return false
				}
				answer(w, http.StatusOK, test.body)
				return true
			}
			_, _, err := list.List(t.Context(), test.cursor)
			if got := connector.FailureOf(err); err == nil || got.Kind != test.kind || !strings.Contains(got.Detail, test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// foreground is a gate that lets nothing through that could wait.
type foreground struct{}

func (foreground) Wait(ctx context.Context) error {
	if connector.InBackground(ctx) {
		return &connector.Failure{Kind: connector.RateLimited, Effect: connector.EffectNone, Detail: "later"}
	}
	return nil
}

func TestListsAndPollsAreInTheBackgroundAndReadingIsNot(t *testing.T) {
	f := newFake(t)
	f.customers["cus_1"] = `{"id":"cus_1","object":"customer"}`
	c := f.open(func(d *connector.Deps) { d.Gate = foreground{} })
	_, _, listErr := c.SourceList.List(t.Context(), "")
	_, _, _, pollErr := c.Changes.Since(t.Context(), unixText(testNow))
	for name, err := range map[string]error{"the list": listErr, "a poll": pollErr} {
		if err == nil || connector.FailureOf(err).Kind != connector.RateLimited {
			t.Errorf("%s is not in the background: %v", name, err)
		}
	}
	if _, err := c.Source.Read(t.Context(), "cus_1"); err != nil {
		t.Error(err)
	}
}
