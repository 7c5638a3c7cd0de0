package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/trueup-sync/trueup/internal/status"
)

// finder answers every search with all records, as a fuzzy search might.
func finder(records ...status.TargetRecord) Finder {
	return func(context.Context, string, string) ([]status.TargetRecord, error) { return records, nil }
}

func rec(id string, keys ...string) status.TargetRecord {
	r := status.TargetRecord{ID: id, Value: "Active", Keys: map[string]string{}}
	for i := 0; i+1 < len(keys); i += 2 {
		r.Keys[keys[i]] = keys[i+1]
	}
	return r
}

var (
	byID    = Rule{Source: "id", Target: "external_id", Confidence: 1}
	byEmail = Rule{Source: "email", Target: "email", Confidence: 0.9}
	byName  = Rule{Source: "name", Target: "name", Confidence: 0.5}
)

func TestMatch(t *testing.T) {
	keys := map[string]string{"email": " Ana@Example.com", "name": "Ana"}
	tests := map[string]struct {
		rules   []Rule
		records []status.TargetRecord
		id      string
		kind    status.Kind
		tried   int    // of an unmatched customer's keys
		reason  string // a part of it
	}{
		"the first rule finds the one":             {[]Rule{byID, byEmail}, []status.TargetRecord{rec("r1", "external_id", "cus_1"), rec("r2", "email", "ana@example.com")}, "r1", "", 1, ""},
		"a later rule, when the first finds none":  {[]Rule{byID, byEmail}, []status.TargetRecord{rec("r2", "email", "ANA@example.com ")}, "r2", "", 2, ""},
		"the same record twice is one":             {[]Rule{byEmail}, []status.TargetRecord{rec("r2", "email", "ana@example.com"), rec("r2", "email", "ana@example.com")}, "r2", "", 1, ""},
		"what the search found and does not match": {[]Rule{byEmail}, []status.TargetRecord{rec("r2", "email", "ana@example.com.evil.org"), rec("r3")}, "", status.Unmatched, 1, "no record"},
		"two records": {[]Rule{byEmail}, []status.TargetRecord{rec("r3", "email", "ana@example.com"), rec("r2", "email", "ana@example.com")}, "", status.AmbiguousMatch, 1, "2 records in the target match by email = email"},
		"two by the first rule are not told apart later": {[]Rule{byEmail, byID}, []status.TargetRecord{rec("r3", "email", "ana@example.com"), rec("r2", "email", "ana@example.com", "external_id", "cus_1")}, "", status.AmbiguousMatch, 1, "2 records in the target match by email = email"},
		"a rule that is not sure enough":                 {[]Rule{byName}, []status.TargetRecord{rec("r2", "name", "Ana")}, "", status.LowConfidence, 1, "confidence 0.5; min_confidence is 0.8"},
		"a rule that is just sure enough":                {[]Rule{{Source: "name", Target: "name", Confidence: 0.8}}, []status.TargetRecord{rec("r2", "name", "Ana")}, "r2", "", 1, ""},
		"a key that the customer does not have":          {[]Rule{{Source: "phone", Target: "phone", Confidence: 1}}, []status.TargetRecord{rec("r2", "phone", "")}, "", status.Unmatched, 0, "no phone"},
		"the record's own id":                            {[]Rule{{Source: "email", Target: "id", Confidence: 1}}, []status.TargetRecord{rec("ana@example.com"), rec("Ana@Example.com")}, "Ana@Example.com", "", 1, ""},
		"look-alikes stay apart":                         {[]Rule{byEmail}, []status.TargetRecord{rec("r2", "email", "аna@example.com"), rec("r3", "email", "a.na@example.com")}, "", status.Unmatched, 1, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Match(t.Context(), tt.rules, keys, "cus_1", 0.8, finder(tt.records...))
			if err != nil {
				t.Fatal(err)
			}
			if got.Record.ID != tt.id || got.Kind != tt.kind || got.Kind == status.Unmatched && got.Reason.Facts.Tried != tt.tried || !strings.Contains(got.Reason.Sentence(), tt.reason) {
				t.Errorf("matched %+v", got)
			}
			if (got.Kind == "") != got.Reason.IsZero() || strings.Contains(strings.ToLower(got.Reason.Sentence()), "example.com") {
				t.Errorf("the reason is %q", got.Reason.Sentence())
			}
			if asks := got.Kind == status.AmbiguousMatch || got.Kind == status.LowConfidence; asks != (len(got.Candidates) > 0) {
				t.Errorf("the candidates are %v", got.Candidates)
			}
		})
	}
}

func TestCandidatesAreInOrderAndNotTooMany(t *testing.T) {
	var records []status.TargetRecord
	for i := range 30 {
		records = append(records, rec(fmt.Sprintf("r%02d", 29-i), "email", "ana@example.com"))
	}
	got, err := Match(t.Context(), []Rule{byEmail}, map[string]string{"email": "ana@example.com"}, "cus_1", 0, finder(records...))
	if err != nil || len(got.Candidates) != mostCandidates || got.Candidates[0].TargetID != "r00" || !strings.Contains(got.Reason.Sentence(), "30 records") {
		t.Errorf("matched %+v, %v", got, err)
	}
}

func TestASearchThatFailsNamesTheRule(t *testing.T) {
	broken := errors.New("broken")
	_, err := Match(t.Context(), []Rule{byEmail}, map[string]string{"email": "ana@example.com"}, "cus_1", 0, func(context.Context, string, string) ([]status.TargetRecord, error) {
		return nil, broken
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "email = email") || strings.Contains(err.Error(), "ana") {
		t.Errorf("the error is %v", err)
	}
}

func TestOnlyKeysThatHoldAddressesAreFolded(t *testing.T) {
	for key, want := range map[string]string{
		"email": "ana@zoo.example", "work.email": "ana@zoo.example", "work_email": "ana@zoo.example",
		"name": "ANA@ZOO.example", "emails": "ANA@ZOO.example", "myemail": "ANA@ZOO.example",
	} {
		if got := Normalize(key, " ANA@ZOO.example "); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

func TestTheOrderOfRecordsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var records []status.TargetRecord
		for i := range rapid.IntRange(0, 4).Draw(t, "records") {
			records = append(records, rec(fmt.Sprint("r", rapid.IntRange(0, 3).Draw(t, "id"), i%2), "email", rapid.SampledFrom([]string{"a@x.org", "A@x.org ", "b@x.org"}).Draw(t, "email")))
		}
		keys := map[string]string{"email": "a@x.org"}
		want, err := Match(context.Background(), []Rule{byEmail}, keys, "", 0, finder(records...))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Match(context.Background(), []Rule{byEmail}, keys, "", 0, finder(rapid.Permutation(records).Draw(t, "order")...))
		if err != nil {
			t.Fatal(err)
		}
		ignoreKeys := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Keys" }, cmp.Ignore())
		if diff := cmp.Diff(want, got, ignoreKeys); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Two values become one only when they differ in space around them, in the
// case of ASCII letters of an address, or in how Unicode composes them.
func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"Ana@Example.com", " ana@example.com ", "é", "e\u0301", "\xff", "İ@x.org", "K@x.org"} {
		f.Add("email", s)
		f.Add("external_id", s)
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		got := Normalize(key, value)
		if again := Normalize(key, got); again != got {
			t.Errorf("%q became %q and then %q", value, got, again)
		}
		plain := strings.TrimSpace(norm.NFC.String(value))
		if len(got) != len(plain) {
			t.Fatalf("%q became %q", value, got)
		}
		for i := range len(got) {
			upper := plain[i] >= 'A' && plain[i] <= 'Z' && got[i] == plain[i]+'a'-'A' && strings.HasSuffix(key, "email")
			if got[i] != plain[i] && !upper {
				t.Errorf("%q became %q", value, got)
			}
		}
	})
}

// exact answers as a search that compares letter for letter.
func exact(records ...status.TargetRecord) Finder {
	return func(_ context.Context, key, value string) (found []status.TargetRecord, _ error) {
		for _, r := range records {
			if r.Keys[key] == value {
				found = append(found, r)
			}
		}
		return found, nil
	}
}

func TestAnExactSearchFindsAnAddressInEitherSpelling(t *testing.T) {
	for name, tt := range map[string]struct {
		source  string
		records []status.TargetRecord
		id      string
		kind    status.Kind
	}{
		"as the source spells it":           {"Anna.Berg@Example.com", []status.TargetRecord{rec("r1", "email", "Anna.Berg@Example.com")}, "r1", ""},
		"in lower case":                     {"Anna.Berg@Example.com", []status.TargetRecord{rec("r1", "email", "anna.berg@example.com")}, "r1", ""},
		"one record in each":                {"Anna.Berg@Example.com", []status.TargetRecord{rec("r1", "email", "Anna.Berg@Example.com"), rec("r2", "email", "anna.berg@example.com")}, "", status.AmbiguousMatch},
		"an address with a dot more is not": {"Anna.Berg@Example.com", []status.TargetRecord{rec("r1", "email", "an.na.berg@example.com")}, "", status.Unmatched},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Match(t.Context(), []Rule{byEmail}, map[string]string{"email": tt.source}, "cus_1", 0.8, exact(tt.records...))
			if err != nil || got.Record.ID != tt.id || got.Kind != tt.kind {
				t.Errorf("found %q, %s, %v", got.Record.ID, got.Kind, err)
			}
		})
	}
	asked := 0
	_, err := Match(t.Context(), []Rule{byEmail}, map[string]string{"email": "ana@example.com"}, "cus_1", 0.8, func(context.Context, string, string) ([]status.TargetRecord, error) {
		asked++
		return nil, nil
	})
	if err != nil || asked != 1 {
		t.Errorf("an address without capitals is asked for %d times, %v", asked, err)
	}
}
