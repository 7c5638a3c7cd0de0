package identity

import (
	"context"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/trueup-sync/trueup/internal/status"
)

// FuzzSameKey compares two values of a key as match rules do. They are the same
// exactly when they differ in nothing but the space around them, how Unicode
// composes them and, in an address, the case of ASCII letters: then the record
// is found, however the tool spells it, and otherwise never.
func FuzzSameKey(f *testing.F) {
	for _, pair := range [][2]string{
		{"Ana@Example.com", " ana@example.com\t"}, {"a@x.org", "\u0430@x.org"}, {"\u212a@x.org", "k@x.org"}, {"k@x.org", "K@X.ORG"},
		{"\u00e9@x.org", "e\u0301@x.org"}, {"\u00c9@x.org", "\u00e9@x.org"}, {"\u0130@x.org", "i@x.org"}, {"\u017f@x.org", "s@x.org"}, {"\xff", "\xfe"}, {"\xff", "\ufffd"},
		{"a\x00@x.org", "a@x.org"}, {"a.b@x.org", "ab@x.org"}, {"a+1@x.org", "a@x.org"}, {"\u00a0a@x.org", "a@x.org"}, {"\ufeffa@x.org", "a@x.org"},
		{"\u200ba@x.org", "a@x.org"}, {"\uff41@x.org", "a@x.org"}, {"\u2126", "\u03a9"}, {"\uac00", "\u1100\u1161"}, {"", " "}, {"a\u0301\u0323", "a\u0323\u0301"}, {"\u00df", "SS"},
	} {
		f.Add("email", pair[0], pair[1])
		f.Add("external_id", pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, key, a, b string) {
		same := Normalize(key, a) == Normalize(key, b)
		if want := plain(key, a) == plain(key, b); same != want {
			t.Fatalf("%q and %q are the same: %v, want %v", a, b, same, want)
		}
		value := Normalize(key, a)
		result, err := Match(context.Background(), []Rule{{Source: "k", Target: key, Confidence: 1}}, map[string]string{"k": a}, "", 0,
			func(_ context.Context, _, asked string) ([]status.TargetRecord, error) {
				if asked != value && asked != strings.TrimSpace(a) {
					t.Fatalf("asked for %q, not %q", asked, value)
				}
				// A fuzzy search, which answers with more than it was asked for.
				return []status.TargetRecord{{ID: b, Keys: map[string]string{key: b}}, {ID: "", Keys: map[string]string{key: a}}}, nil
			})
		found := err == nil && result.Kind == ""
		if want := same && value != "" && b != ""; err != nil || found != want || found && result.Record.ID != b {
			t.Fatalf("%q finds %+v, %v with the record of %q", a, result, err, b)
		}
	})
}

// plain is the definition, one rune after the other.
func plain(key, value string) string {
	value = strings.TrimFunc(string(norm.NFC.Bytes([]byte(value))), unicode.IsSpace)
	if !(key == "email" || strings.HasSuffix(key, ".email") || strings.HasSuffix(key, "_email")) {
		return value
	}
	for c := 'A'; c <= 'Z'; c++ {
		value = strings.ReplaceAll(value, string(c), string(c+'a'-'A'))
	}
	return value
}
