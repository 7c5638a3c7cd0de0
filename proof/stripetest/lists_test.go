package stripetest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector/stripe"
)

func TestListsLeaveOutWhatStripeLeavesOut(t *testing.T) {
	s := New(t)
	s.SetCustomer("cus_1", "", nil)
	s.SetCustomer("cus_2", "", nil)
	s.SetSubscription("cus_1", "sub_1", "canceled", false)
	s.SetSubscription("cus_1", "sub_2", "active", false)
	s.SetSubscription("cus_2", "sub_3", "active", false)
	s.Event("customer.created", "cus_1")
	s.Event("customer.subscription.created", "sub_1")
	s.DeleteCustomer("cus_2")
	for query, want := range map[string]string{
		"/v1/subscriptions?customer=cus_1":                                 "sub_2",
		"/v1/subscriptions?customer=cus_1&status=all":                      "sub_2 sub_1",
		"/v1/subscriptions?customer=cus_1&status=canceled":                 "sub_1",
		"/v1/subscriptions?status=ended":                                   "sub_3 sub_1",
		"/v1/subscriptions?customer=cus_1&status=all&limit=1":              "sub_2 …",
		"/v1/subscriptions?customer=cus_1&status=all&starting_after=sub_2": "sub_1",
		"/v1/customers":                                 "cus_1",
		"/v1/events":                                    "evt_1Trueup00000002 evt_1Trueup00000001",
		"/v1/events?types[]=customer.created":           "evt_1Trueup00000001",
		"/v1/events?created[lt]=1000000000":             "",
		"/v1/events?created[gte]=1000000000&limit=1":    "evt_1Trueup00000002 …",
		"/v1/events?starting_after=evt_1Trueup00000002": "evt_1Trueup00000001",
	} {
		if got := ids(t, s, query); got != want {
			t.Errorf("%s lists %q, want %q", query, got, want)
		}
	}
}

// ids asks for a list and returns its ids, with … when there are more.
func ids(t *testing.T, s *Stripe, path string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+Key)
	r.Header.Set("Stripe-Version", stripe.APIVersion)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
		HasMore bool `json:"has_more"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var all []string
	for _, o := range list.Data {
		all = append(all, o.ID)
	}
	if list.HasMore {
		all = append(all, "…")
	}
	return strings.Join(all, " ")
}
