package mutate

import (
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const source = `package p

import "time"

var chosen int

func f(a, b time.Time, n int) bool {
	if v := n; v == 3 && a.Add(2).Before(b) {
		return !a.IsZero()
	}
	return n > 4
}

func g(n *int) {
	if *n < 2 {
		*n = 5
	}
}
`

func TestEachChangeIsMadeInOnePlace(t *testing.T) {
	mutants, err := Of("p.go", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range mutants {
		got = append(got, m.Now)
		if was := strings.TrimSpace(strings.Split(source, "\n")[m.Line-1]); !strings.Contains(m.Was, was) || m.Was == m.Now {
			t.Errorf("line %d is %q, not %q, and is changed to %q", m.Line, was, m.Was, m.Now)
		}
	}
	want := []string{
		"if v := n; !(v == 3 && a.Add(2).Before(b)) {",
		"if v := n; v == 3 && a.Add(2).Before(b) { if false { return !a.IsZero() } }",
		"if v := n; v == 3 || a.Add(2).Before(b) {", "if v := n; v != 3 && a.Add(2).Before(b) {",
		"if v := n; v == 3 && a.Add(2).After(b) {", "if v := n; v == 3 && a.Add(0*(2)).Before(b) {",
		"return a.IsZero()", "return n >= 4", "if !(*n < 2) {", "if *n <= 2 {",
	}
	if !slices.Equal(got, want) {
		t.Errorf("changes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheSourceWithAllChangesCompilesAndHasEachAsACase(t *testing.T) {
	mutants, err := Of("p.go", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	all := All([]byte(source), mutants, "chosen", 5)
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "p.go", all, 0)
	if err != nil {
		t.Fatal(err)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output() // a binary built with -trimpath does not know it
	if err != nil {
		t.Fatal(err)
	}
	build.Default.GOROOT = strings.TrimSpace(string(root))
	check := types.Config{Importer: importer.ForCompiler(files, "source", nil)}
	if _, err := check.Check("p", files, []*ast.File{file}, nil); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"case 5:", "case 14:", "return n >= 4"} {
		if strings.Count(string(all), want) != 1 {
			t.Errorf("%q is there %d times in\n%s", want, strings.Count(string(all), want), all)
		}
	}
}
