package identity

import "testing"

func TestTwoValuesOfAFieldAreTheSameCloseOrDifferent(t *testing.T) {
	for name, c := range map[string]struct {
		field, a, b string
		rule        Rule
		want        Likeness
	}{
		"a name as it is":                       {"name", "Kestrel Analytics", "Kestrel Analytics", Rule{}, Same},
		"a name in another order":               {"name", "Ruiz, Ana", "ana ruiz", Rule{}, Same},
		"a name with its legal form":            {"name", "Kestrel Analytics", "Kestrel Analytics, Inc.", Rule{}, Close},
		"another name":                          {"name", "Kestrel Analytics", "Pinnacle Roofing", Rule{}, Different},
		"a name that only one has":              {"name", "Kestrel Analytics", "", Rule{}, Different},
		"a name that neither has":               {"name", "", "", Rule{}, NotCompared},
		"an address in other letters":           {"email", "Ana@Example.com ", "ana@example.com", Rule{}, Same},
		"another address of the company":        {"email", "billing@kestrel.example", "accounts@kestrel.example", Rule{}, Close},
		"strangers at one provider":             {"email", "hugo.silva@gmail.com", "pinnacle@gmail.com", Rule{}, Different},
		"nearly the same person":                {"email", "ana.ruiz@gmail.com", "anaruiz@outlook.com", Rule{}, Close},
		"a number in another spelling":          {"phone", "+1 312 555 0142", "+13125550142", Rule{}, Same},
		"the end of a number":                   {"phone", "+1 312 555 0142", "555 0142", Rule{}, Close},
		"another number":                        {"phone", "+1 312 555 0142", "+1 720 555 0188", Rule{}, Different},
		"an id that a rule compares":            {"id", "rec_1", "rec_1", Rule{Source: "metadata.crm", Target: "id"}, Same},
		"two ids that a rule compares verbatim": {"code", "AB", "ab", Rule{Form: Verbatim, Target: "code"}, Same},
		"a value with markup":                   {"plan", "<b>Gold</b>", "<b>gold</b>", Rule{}, Same},
		"text of another script":                {"name", "שלום עולם", "שלום עולם", Rule{}, Same},
		"values without anything in common":     {"plan", "gold", "starter", Rule{}, Different},
	} {
		if got := AlikeIn(c.field, c.rule, c.a, c.b); got != c.want {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}
