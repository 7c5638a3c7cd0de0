package identity

import (
	"context"
	"slices"
	"testing"

	"github.com/trueup-sync/trueup/internal/status"
)

func TestARuleComparesValuesInItsForm(t *testing.T) {
	phone, mexican := Rule{Target: "phone", Form: Phone}, Rule{Target: "phone", Form: Phone, Region: "MX"}
	tests := map[string]struct {
		rule Rule
		a, b string
		same bool
	}{
		"a number with and without its country":          {phone, "(415) 555-1036", "+1 415 555 1036", true},
		"a number with dots and one in digits":           {phone, "415.555.1036", "4155551036", true},
		"a number dialed from abroad":                    {phone, "011 34 600 123 456", "+34600123456", true},
		"another number":                                 {phone, "(415) 555-1036", "(415) 555-1037", false},
		"the same digits in another country":             {phone, "55 1234 5678", "+52 55 1234 5678", false},
		"the same digits in the rule's country":          {mexican, "55 1234 5678", "+52 55 1234 5678", true},
		"two desks behind one switchboard":               {phone, "415-555-1036 x12", "415-555-1036 x13", false},
		"one desk, written in two ways":                  {phone, "415-555-1036 x12", "+14155551036 ext. 12", true},
		"the end of a number is not the number":          {phone, "555-1036", "(415) 555-1036", false},
		"an address in another case by email":            {Rule{Target: "contact", Form: Email}, " Ana@Zoo.example", "ana@zoo.example", true},
		"letters of other alphabets stay apart by email": {Rule{Target: "contact", Form: Email}, "É@zoo.example", "é@zoo.example", false},
		"a name in another case by lower":                {Rule{Target: "name", Form: Lower}, "Ana ÉVORA ", "ana Évora", true},
		"another name by lower":                          {Rule{Target: "name", Form: Lower}, "Ana", "Anna", false},
		"an address in another case by none":             {Rule{Target: "email", Form: Verbatim}, "Ana@zoo.example", "ana@zoo.example", false},
		"space counts by none":                           {Rule{Target: "code", Form: Verbatim}, "a", "a ", false},
		"the same characters by none":                    {Rule{Target: "code", Form: Verbatim}, "a b", "a b", true},
		"without a form a key named email ignores case":  {Rule{Target: "email"}, "Ana@zoo.example", "ana@zoo.example", true},
		"without a form another key does not":            {Rule{Target: "contact"}, "Ana@zoo.example", "ana@zoo.example", false},
		"without a form phones are compared as written":  {Rule{Target: "phone"}, "(415) 555-1036", "+14155551036", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if same := tt.rule.Normalize(tt.a) == tt.rule.Normalize(tt.b); same != tt.same {
				t.Errorf("%q is compared as %q and %q as %q", tt.a, tt.rule.Normalize(tt.a), tt.b, tt.rule.Normalize(tt.b))
			}
			for _, value := range []string{tt.a, tt.b} {
				if once := tt.rule.Normalize(value); tt.rule.Normalize(once) != once {
					t.Errorf("%q is compared as %q and that as %q", value, once, tt.rule.Normalize(once))
				}
			}
		})
	}
}

func TestWhatIsNoPhoneNumberNamesNobody(t *testing.T) {
	for _, value := range []string{"", "none", "n/a", "-", "0", "12", "call Ana", "123456789012345678901234567890"} {
		if got := (Rule{Target: "phone", Form: Phone}).Normalize(value); got != "" {
			t.Errorf("%q is compared as %q", value, got)
		}
	}
}

// A tool whose search is exact finds a number as it keeps it, and of the country's
// own spellings the usual ones.
func TestAnExactSearchIsAskedForTheUsualSpellingsOfAPhone(t *testing.T) {
	for _, kept := range []string{"+14155551036", "(415) 555-1036", "4155551036", "415.555.1036"} {
		var asked []string
		got, err := Match(t.Context(), []Rule{{Source: "phone", Target: "phone", Confidence: 1, Form: Phone}}, map[string]string{"phone": "415.555.1036"}, "", 0,
			func(_ context.Context, _, value string) ([]status.TargetRecord, error) {
				asked = append(asked, value)
				if value == kept {
					return []status.TargetRecord{rec("r1", "phone", kept)}, nil
				}
				return nil, nil
			})
		if err != nil || got.Record.ID != "r1" {
			t.Errorf("%s is not found: %+v, %v", kept, got, err)
		}
		if slices.Sort(asked); len(slices.Compact(asked)) != 4 {
			t.Errorf("asked for %q", asked)
		}
	}
}

func TestTheNormalizerKnowsEachKeysForm(t *testing.T) {
	normalize := Normalizer([]Rule{{Target: "phone", Form: Phone}, {Target: "name", Form: Lower}})
	for key, want := range map[string]string{"phone": "", "name": "ana@zoo.example", "email": "ana@zoo.example", "other": "Ana@Zoo.example"} {
		if got := normalize(key, "Ana@Zoo.example"); got != want {
			t.Errorf("%s is compared as %q, want %q", key, got, want)
		}
	}
}

func FuzzPhone(f *testing.F) {
	for _, s := range []string{"(415) 555-1036", "+1 415 555 1036 x12", "tel:+1-415;ext=3", "٤١٥٥٥٥١٠٣٦", "\xff", "1-800-FLOWERS", "+++", "415-555-1036;ext=;ext=9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		rule := Rule{Target: "phone", Form: Phone}
		once := rule.Normalize(value)
		if twice := rule.Normalize(once); twice != once {
			t.Errorf("%q is compared as %q and that as %q", value, once, twice)
		}
	})
}
