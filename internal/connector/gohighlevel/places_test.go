package gohighlevel

import (
	"context"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector"
)

// A set-up asks where the status is before anyone has said a field.
func TestTheFieldsThatCanHoldAStatusAreListed(t *testing.T) {
	conn := open(t, account(t), settings(), connector.Use{})
	fields, err := conn.Fields.Fields(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	names := map[string][]string{}
	for _, f := range fields {
		names[f.Name] = f.Options
	}
	if len(names["customer_status"]) != 3 || len(names["opportunity.status"]) != 4 {
		t.Errorf("the fields are %+v", fields)
	}
	if _, text := names["notes"]; text {
		t.Error("a field that holds any text is offered")
	}
	if options, ok := names["tags"]; !ok || options != nil {
		t.Error("tags are not offered, or with options:", options)
	}
}
