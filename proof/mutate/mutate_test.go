package mutate

import (
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

func TestEachChangeIsMadeInOnePlaceAndStillParses(t *testing.T) {
	const source = `package p

func f(a, b time.Time, n int) bool {
	if n == 3 && a.Add(2).Before(b) {
		return true
	}
	return n > 4
}
`
	mutants, err := Of("p.go", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range mutants {
		got = append(got, m.Was+" -> "+m.Now)
		if _, err := parser.ParseFile(token.NewFileSet(), "p.go", m.Source, 0); err != nil {
			t.Errorf("%s: %v", got[len(got)-1], err)
		}
		if string(m.Source) == source {
			t.Errorf("%s changes nothing", got[len(got)-1])
		}
	}
	want := []string{
		"n == 3 && a.Add(2).Before(b) -> !(n == 3 && a.Add(2).Before(b))", "return true -> ",
		"&& -> ||", "== -> !=", "Before -> After", ".Add(2) -> ", "> -> >=",
	}
	if !slices.Equal(got, want) {
		t.Errorf("changes %q, want %q", got, want)
	}
}
