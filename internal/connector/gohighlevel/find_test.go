package gohighlevel

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
	"github.com/trueup-sync/trueup/internal/status"
)

func ids(found []status.TargetRecord) []string {
	var all []string
	for _, r := range found {
		all = append(all, r.ID)
	}
	slices.Sort(all)
	return all
}

func TestAContactIsFoundByEachKey(t *testing.T) {
	a := account(t)
	a.Set(ghltest.Contact{ID: "bo", Email: "bo@example.com", FirstName: "Bo"})
	c := open(t, a, settings(), following("customer_status"))
	for key, value := range map[string]string{"id": "ada", "email": "ada@example.com", "phone": "+15550100001", "name": "Ada Example",
		"external_id": "cus_1", "contact.external_id": "cus_1"} {
		found, err := c.Target.Find(t.Context(), key, value)
		if err != nil || !slices.Equal(ids(found), []string{"ada"}) {
			t.Errorf("%s: %v, %v", key, ids(found), err)
			continue
		}
		if has := found[0].Keys[key]; key != "id" && has != value {
			t.Errorf("the record found by %s has %q there", key, has)
		}
		if found, err := c.Target.Find(t.Context(), key, "nobody"); err != nil || len(found) != 0 {
			t.Errorf("nobody by %s: %v, %v", key, ids(found), err)
		}
	}
	_, err := c.Target.Find(t.Context(), "customer_number", "7")
	if f := fails(t, err, connector.Misconfigured, connector.EffectNone); !strings.Contains(f.Detail, `names the target key "customer_number"`) {
		t.Error(f.Detail)
	}
}

func TestAContactIsFoundByAFurtherAddress(t *testing.T) {
	a := account(t)
	a.Set(ghltest.Contact{ID: "bo", Email: "bo@example.com", MoreEmails: []string{"bo@old.example.com", "bo@home.example.com"}})
	c := open(t, a, settings(), following("customer_status"))
	for key, value := range map[string]string{"additional_email": "bo@old.example.com", "additional_email_2": "bo@home.example.com"} {
		found, err := c.Target.Find(t.Context(), key, value)
		if err != nil || !slices.Equal(ids(found), []string{"bo"}) || found[0].Keys[key] != value {
			t.Errorf("%s: %v, %v", key, found, err)
		}
	}
	for _, key := range []string{"additional_email_1", "additional_emails", "additional_email_0"} {
		if _, err := c.Target.Find(t.Context(), key, "bo@example.com"); err == nil {
			t.Errorf("the key %s is taken", key)
		}
	}
}

func TestAFurtherAddressInAnyShapeCostsNoContact(t *testing.T) {
	var c contact
	if err := json.Unmarshal([]byte(`{"id":"c","additionalEmails":[7,"a@example.com",null,{"email":"b@example.com"},{"email":7}]}`), &c); err != nil {
		t.Fatal(err)
	}
	got := c.keys(nil, "")
	want := map[string]string{"id": "c", "additional_email_2": "a@example.com", "additional_email_4": "b@example.com"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if err := json.Unmarshal([]byte(`{"id":"c","additionalEmails":null}`), &c); err != nil {
		t.Error(err)
	}
}

func TestAllContactsWithAnAddressAreFound(t *testing.T) {
	a := account(t)
	for i := range 12 {
		a.Set(ghltest.Contact{ID: fmt.Sprint("twin", i), Email: "twin@example.com"})
	}
	found, err := open(t, a, settings(), following("customer_status")).Target.Find(t.Context(), "email", "twin@example.com")
	if err != nil || len(found) != mostFound {
		t.Errorf("found %v, %v", ids(found), err)
	}
}

// The search learns of changes seconds later. What it does not know yet is
// found by the address, and what it knows wrongly is read anew.
func TestASearchThatLagsMisleadsNobody(t *testing.T) {
	a := account(t)
	c := open(t, a, settings(), following("customer_status"))
	a.Set(ghltest.Contact{ID: "eve", Email: "old@example.com"})
	a.Lag()
	a.Set(ghltest.Contact{ID: "new", Email: "new@example.com", Phone: "+15550100009"})
	for key, value := range map[string]string{"email": "new@example.com", "phone": "+15550100009"} {
		if found, err := c.Target.Find(t.Context(), key, value); err != nil || !slices.Equal(ids(found), []string{"new"}) {
			t.Errorf("the new contact by %s: %v, %v", key, ids(found), err)
		}
	}
	a.Edit("eve", func(c *ghltest.Contact) { c.Email = "eve@example.com" })
	a.Edit("ada", func(c *ghltest.Contact) { c.Values[ghltest.StatusField] = "Churned" })
	found, err := c.Target.Find(t.Context(), "email", "old@example.com")
	if err != nil || len(found) != 1 || found[0].Keys["email"] != "eve@example.com" {
		t.Errorf("the address of before: %+v, %v", found, err)
	}
	found, err = c.Target.Find(t.Context(), "email", "ada@example.com")
	if err != nil || len(found) != 1 || found[0].Value != "Churned" {
		t.Errorf("the value of before: %+v, %v", found, err)
	}
	a.Delete("eve")
	if found, err = c.Target.Find(t.Context(), "email", "old@example.com"); err != nil || len(found) != 0 {
		t.Errorf("deleted and still in the search: %+v, %v", found, err)
	}
}

// A filter takes 75 characters.
func TestALongAddressIsFoundWithoutTheSearch(t *testing.T) {
	a := account(t)
	long := strings.Repeat("x", 70) + "@example.com"
	a.Set(ghltest.Contact{ID: "long", Email: long})
	found, err := open(t, a, settings(), following("customer_status")).Target.Find(t.Context(), "email", long)
	if err != nil || !slices.Equal(ids(found), []string{"long"}) {
		t.Errorf("%v, %v", ids(found), err)
	}
}

func many(t *testing.T, n int) *ghltest.Account {
	a := ghltest.New(t)
	a.Clock(func() time.Time { return testNow })
	for i := range n {
		a.Set(ghltest.Contact{ID: fmt.Sprintf("c%03d", i), Updated: testNow.Add(time.Duration(i-n) * time.Second), Values: map[string]any{ghltest.StatusField: "Paused"}})
	}
	return a
}

// A contact that changes while the list is read moves to its end: it comes
// twice, and none is missed.
func TestAListMissesNobody(t *testing.T) {
	a := many(t, 250)
	c := open(t, a, settings(), following("customer_status"))
	seen := map[string]int{}
	cursor := ""
	for pages := 1; ; pages++ {
		found, next, err := c.TargetList.List(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range found {
			seen[r.ID]++
			if r.Value != "Paused" {
				t.Errorf("%s holds %q", r.ID, r.Value)
			}
		}
		if pages == 1 {
			a.Edit("c020", func(*ghltest.Contact) {})
			a.Edit("c120", func(*ghltest.Contact) {})
			a.Delete("c030")
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if len(seen) != 250 || seen["c020"] != 2 || seen["c120"] != 1 {
		t.Errorf("%d contacts; c020 %d times, c120 %d times", len(seen), seen["c020"], seen["c120"])
	}
	if _, _, err := c.TargetList.List(t.Context(), "{"); connector.FailureOf(err).Kind != connector.Misconfigured {
		t.Errorf("a cursor that is none: %v", err)
	}
}

func poll1(t *testing.T, c connector.Connection, cursor string) (customers []string, next string, more bool) {
	t.Helper()
	events, next, more, err := c.Changes.Since(t.Context(), cursor)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Err != nil || e.Event.ID == "" || e.Event.HasValue || !e.Event.OccurredAt.IsZero() {
			t.Errorf("read %+v", e)
		}
		customers = append(customers, e.Event.Customer)
	}
	return customers, next, more
}

func TestPollingFindsWhatChangedSinceTheLastTime(t *testing.T) {
	a := many(t, 0)
	now := testNow
	a.Clock(func() time.Time { return now })
	c := open(t, a, settings(), deciding("customer_status"), func(d *connector.Deps) { d.Now = func() time.Time { return now } })
	got, cursor, more := poll1(t, c, "")
	if len(got) > 0 || more {
		t.Fatalf("from now on there are %v", got)
	}
	now = now.Add(time.Hour)
	for i := range 230 {
		a.Set(ghltest.Contact{ID: fmt.Sprintf("c%03d", i), Updated: now.Add(time.Duration(i) * 5 * time.Second)})
	}
	now = now.Add(time.Hour)
	var all []string
	for more = true; more; {
		got, cursor, more = poll1(t, c, cursor)
		all = append(all, got...)
	}
	if len(all) != 230 || !slices.IsSorted(all) {
		t.Errorf("%d changes, in order: %v", len(all), slices.IsSorted(all))
	}
	// The overlap gives repeats with the same ids, and a change that the search
	// learnt of late.
	a.Set(ghltest.Contact{ID: "late", Updated: testNow.Add(time.Hour + 1100*time.Second)})
	first, _, _, err := c.Changes.Since(t.Context(), cursor)
	if err != nil {
		t.Fatal(err)
	}
	again, _, _, err := c.Changes.Since(t.Context(), cursor)
	if err != nil || len(again) != len(first) || !slices.ContainsFunc(first, func(r connector.Reading) bool { return r.Event.Customer == "late" }) {
		t.Errorf("%d and %d changes, %v", len(first), len(again), err)
	}
	for i := range again {
		if again[i].Event.ID != first[i].Event.ID {
			t.Errorf("the repeat of %s is called %s", first[i].Event.ID, again[i].Event.ID)
		}
	}
	for name, bad := range map[string]string{"no JSON": "x", "no time": "{}"} {
		if _, _, _, err := c.Changes.Since(t.Context(), bad); connector.FailureOf(err).Kind != connector.Misconfigured {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAClockThatWasWrongHidesNothing(t *testing.T) {
	a := many(t, 3)
	c := open(t, a, settings(), deciding("customer_status"))
	got, cursor, _ := poll1(t, c, position{From: testNow.Add(1000 * time.Hour)}.String())
	if len(got) != 3 || strings.Contains(cursor, "2027") {
		t.Errorf("%v, then %s", got, cursor)
	}
}

func TestOpportunitiesAreNotPolled(t *testing.T) {
	a := many(t, 0)
	if c := open(t, a, settings(), deciding("opportunity.status", "open")); c.Changes != nil {
		t.Error("the time of a contact does not tell of its opportunity's changes")
	}
	if c := open(t, a, settings(), connector.Use{}); c.Source != nil || c.Target != nil {
		t.Error("a connection that only receives can be read")
	}
}
