package stripe

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector"
)

func TestCustomersAreFoundByTheirAddressOverAllPages(t *testing.T) {
	f := newFake(t)
	want := []string{}
	for n := range pageSize + 5 {
		id := fmt.Sprintf("cus_%03d", n)
		f.customers[id] = fmt.Sprintf(`{"id":%q,"object":"customer","email":"Ann@example.com"}`, id)
		want = append(want, id)
	}
	f.customers["cus_ben"] = `{"id":"cus_ben","object":"customer","email":"ben@example.com"}`
	f.customers["cus_gone"] = `{"id":"cus_gone","object":"customer","deleted":true}`
	got, err := f.open().SourceFind.Find(context.Background(), "email", "Ann@example.com")
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d are found, %v: %v", len(got), err, got)
	}
	got, err = f.open().SourceFind.Find(context.Background(), "email", "ann+1&limit=3@example.com")
	if err != nil || len(got) > 0 {
		t.Errorf("by an address that nobody has: %v, %v", got, err)
	}
}

func TestMoreCustomersOfOneAddressThanCanBeOnePersonAreAFailure(t *testing.T) {
	f := newFake(t)
	for n := range maxFindPages*pageSize + 1 {
		id := fmt.Sprintf("cus_%03d", n)
		f.customers[id] = fmt.Sprintf(`{"id":%q,"object":"customer","email":"shop@example.com"}`, id)
	}
	if got, err := f.open().SourceFind.Find(context.Background(), "email", "shop@example.com"); connector.FailureOf(err).Kind != connector.Misconfigured {
		t.Errorf("%d are found, %v", len(got), err)
	}
}

func TestOnlyTheAddressFindsCustomers(t *testing.T) {
	if _, err := newFake(t).open().SourceFind.Find(context.Background(), "phone", "+1"); connector.FailureOf(err).Kind != connector.Misconfigured {
		t.Errorf("%v", err)
	}
}
