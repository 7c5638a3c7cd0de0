package dialguard

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// unguarded are the ways to make a call without this package.
var unguarded = []string{"Client", "Transport", "DefaultClient", "DefaultTransport", "Get", "Head", "Post", "PostForm"}

// exempt are the packages that may do so: this one, and the demonstration and the
// bench, which only call what they have started themselves on loopback.
var exempt = []string{"github.com/trueup-sync/trueup/internal/dialguard", "github.com/trueup-sync/trueup/internal/demo", "github.com/trueup-sync/trueup/internal/bench"}

func TestNothingInTheProgramCallsPastTheGuard(t *testing.T) {
	const format = `{{$p := .}}{{with .Module}}{{if .Main}}{{range $p.GoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}}{{"\n"}}{{end}}{{end}}{{end}}`
	out, err := exec.Command("go", "list", "-deps", "-f", format, "github.com/trueup-sync/trueup/cmd/trueup").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Split(strings.TrimSpace(string(out)), "\n")
	files = slices.DeleteFunc(files, func(line string) bool { return line == "" })
	if len(files) < 50 {
		t.Fatalf("the program has only %d files", len(files))
	}
	for _, line := range files {
		pkg, file, _ := strings.Cut(line, " ")
		if !slices.Contains(exempt, pkg) {
			callsOf(t, file)
		}
	}
}

// callsOf reports each use of net/http in a file that makes its own client.
// Naming the type, as in *http.Client, makes none.
func callsOf(t *testing.T, path string) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	report := func(e ast.Expr) {
		s, ok := e.(*ast.SelectorExpr)
		if !ok {
			return
		}
		if pkg, ok := s.X.(*ast.Ident); ok && pkg.Name == "http" && slices.Contains(unguarded, s.Sel.Name) {
			t.Errorf("%s: http.%s: call through the client of dialguard", set.Position(s.Pos()), s.Sel.Name)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit: // http.Client{}
			report(n.Type)
		case *ast.CallExpr: // http.Get(url), new(http.Client)
			report(n.Fun)
			for _, arg := range n.Args {
				report(arg)
			}
		case *ast.AssignStmt: // c = http.DefaultClient
			for _, e := range n.Rhs {
				report(e)
			}
		case *ast.KeyValueExpr: // Deps{HTTP: http.DefaultClient}
			report(n.Value)
		case *ast.ValueSpec: // var c http.Client
			report(n.Type)
			for _, e := range n.Values {
				report(e)
			}
		case *ast.SelectorExpr: // http.DefaultClient.Do
			report(n.X)
		}
		return true
	})
}
