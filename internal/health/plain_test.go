package health

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/plain"
)

// Every text of this package is read by people.
func TestTextsArePlain(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 6 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				text, err := strconv.Unquote(l.Value)
				for _, found := range plain.Find(text) {
					err = errors.Join(err, errors.New(found))
				}
				if err != nil {
					t.Errorf("%s: %v", path, err)
				}
			}
			return true
		})
	}
}
