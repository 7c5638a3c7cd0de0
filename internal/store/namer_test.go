package store

import "testing"

func TestNamerLeavesOthersAlone(t *testing.T) {
	n := newNamer([]string{"jane@acme.com"}, "forgotten-x")
	for _, other := range []string{`{"email":"mary.jane@acme.com"}`, `{"email":"jane@acme.com.br"}`, `{"email":"mary-jane@acme.com"}`} {
		if got, changed := n.inPayload([]byte(other)); changed {
			t.Errorf("%s became %s", other, got)
		}
	}
}

func TestNamerFindsIDsThatEndInNoWordCharacter(t *testing.T) {
	for _, id := range []string{"Y3VzXzEyMw==", "+491234567", "kunde_müllerä"} {
		n := newNamer([]string{id}, "forgotten-x")
		if got, changed := n.inPayload([]byte(`{"referred_by":"` + id + `"}`)); !changed {
			t.Errorf("%s stays in a payload: %s", id, got)
		}
		if got, changed := n.replaced("record r belongs to customer " + id + " already"); !changed {
			t.Errorf("%s stays in a reason: %s", id, got)
		}
	}
}

func TestShortIDs(t *testing.T) {
	n := newNamer([]string{"17", "42"}, "forgotten-x")
	for _, text := range []string{"to record 42", "followed a merge in crm from record 42 to record 43", "the customer is linked to record 43 now, the plan has record 42"} {
		if got, changed := n.replaced(text); !changed {
			t.Errorf("stays: %s", got)
		}
	}
}
