package decide

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What decides must be a function of what it is given: these packages read no
// clock, and know neither the store nor a tool.
func TestPurePackagesImportOnlyTheNouns(t *testing.T) {
	for _, dir := range []string{".", "../mapping", "../identity", "../reason"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", dir, files, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(src), "time.Now") {
				t.Errorf("%s reads the clock: time is a fact that it is given", file)
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, imp := range parsed.Imports {
				path, err := strconv.Unquote(imp.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(path, "github.com/trueup-sync/trueup/") && path != "github.com/trueup-sync/trueup/internal/status" && path != "github.com/trueup-sync/trueup/internal/reason" {
					t.Errorf("%s imports %s: what is decided must depend on its arguments alone", file, path)
				}
			}
		}
	}
}
