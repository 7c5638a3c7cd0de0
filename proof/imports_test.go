package proof

import (
	"os/exec"
	"strings"
	"testing"
)

func TestNothingOfTheProductImportsItsProof(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "github.com/trueup-sync/trueup/cmd/...", "github.com/trueup-sync/trueup/internal/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(packages) < 40 {
		t.Fatalf("only %d packages were looked at", len(packages))
	}
	for _, line := range packages {
		name, imports, _ := strings.Cut(line, " ")
		for path := range strings.FieldsSeq(imports) {
			if path == "github.com/trueup-sync/trueup/proof" || strings.HasPrefix(path, "github.com/trueup-sync/trueup/proof/") {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}
