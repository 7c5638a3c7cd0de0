package app

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/identity"
)

func TestFieldsAreInOneOrderWithoutSecretsAndBounded(t *testing.T) {
	source := Side{ID: "cus_1", Keys: map[string]string{"id": "cus_1", "email": "ana@example.com", "name": "Ana Ruiz", "metadata.crm_id": "rec_1",
		"metadata.api_key": "sk_live_1", "metadata.note": strings.Repeat("x", 10_000)}}
	record := Side{ID: "rec_1", Keys: map[string]string{"email": "ana@example.com", "portal_password": "hunter2", "plan": "gold", "billing_id": "cus_1"}}
	rules := []identity.Rule{{Source: "metadata.crm_id", Target: "id"}, {Source: "email", Target: "email"}, {Source: "id", Target: "billing_id"}, {Source: "vat", Target: "tax_id"}}
	lines := linesOf(rules, source, []Side{record})
	got := ""
	for i, f := range likenesses(lines, source, record) {
		got += fmt.Sprintf("%s: %.10s|%.10s|%s\n", f.Field, sourceCells(lines, source)[i].Value, f.Value, f.Likeness)
	}
	// What one tool has and the other may not be asked for is not compared.
	want := `name: Ana Ruiz||
email: ana@exampl|ana@exampl|same
metadata.crm_id = id: rec_1|rec_1|same
id = billing_id: cus_1|cus_1|same
plan: |gold|
metadata.note: xxxxxxxxxx||
`
	if got != want {
		t.Errorf("the fields are\n%snot\n%s", got, want)
	}
	if long := sourceCells(lines, source)[5].Value; len([]rune(long)) != mostShown+1 {
		t.Errorf("%d characters are shown", len([]rune(long)))
	}
	many := Side{Keys: map[string]string{}}
	for n := range 100 {
		many.Keys[fmt.Sprint("field_", n)] = "x"
	}
	if n := len(linesOf(nil, many, nil)); n != mostFields {
		t.Errorf("%d fields are compared", n)
	}
}
