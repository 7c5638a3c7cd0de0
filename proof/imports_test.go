package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/trueup-sync/trueup/"

// listed is a package as go list says it is, without its tests. Its path, and those of
// ours that it imports, are without the module's.
type listed struct {
	ImportPath, Dir  string
	GoFiles, Imports []string
}

// source is the text of a package's files, by their names.
func (p listed) source(t *testing.T) map[string]string {
	all := map[string]string{}
	for _, name := range p.GoFiles {
		text, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(text)
	}
	return all
}

func packages(t *testing.T) map[string]listed {
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]listed{}
	for stream := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := stream.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
		for i, path := range p.Imports {
			p.Imports[i] = strings.TrimPrefix(path, module)
		}
		all[p.ImportPath] = p
	}
	if len(all) < 60 {
		t.Fatalf("only %d packages were looked at", len(all))
	}
	return all
}

func TestNothingOfTheProductImportsItsProof(t *testing.T) {
	for name, p := range packages(t) {
		for _, path := range p.Imports {
			if !under(name, "proof") && under(path, "proof") {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}

// under reports whether a path is a folder or is in it.
func under(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

// tools are the packages that know a tool; drivers are those of databases.
var (
	tools = []string{"internal/connector/gohighlevel", "internal/connector/httpconn", "internal/connector/makecom", "internal/connector/sqltable",
		"internal/connector/stripe", "internal/connector/registry"}
	drivers = []string{"modernc.org", "github.com/jackc", "github.com/go-sql-driver"}
)

// may are the packages whose comment lists all of ours that they may import.
var may = map[string]string{
	"docs":                              "",
	"internal/api":                      "config contract exceptions mapchange overview people reason replay status store strictjson",
	"internal/config":                   "identity status",
	"internal/contract":                 "identity reason status store",
	"internal/decide":                   "reason status",
	"internal/dialguard":                "",
	"internal/exceptions":               "contract reason status store",
	"internal/failpoint":                "",
	"internal/health":                   "config connector",
	"internal/identity":                 "reason status",
	"internal/mapchange":                "config contract overview reason status store",
	"internal/mapping":                  "reason status",
	"internal/newfile":                  "",
	"internal/overview":                 "config contract mapping people reason status store",
	"internal/pages":                    "/docs api config connector contract exceptions identity mapchange overview people people/provider reason replay setup status store strictjson",
	"internal/pages/browsertest":        "",
	"internal/people/provider/oidctest": "",
	"internal/plain":                    "",
	"internal/reason":                   "status",
	"internal/replay":                   "config connector inbox mapping reason status store",
	"internal/report":                   "config contract overview reason status store",
	"internal/status":                   "",
	"internal/store":                    "failpoint newfile reason status",
	"internal/strictjson":               "",
	"proof/cmd/trueup-mutate":           "/proof/mutate",
	"proof/mutate":                      "",
	"proof/oracle":                      "reason status store",
	"proof/planted":                     "",
}

// mustNot are the packages whose comment names what they must not import. "tools" and
// "drivers" stand for those above.
var mustNot = map[string]string{
	"internal/bench":                   "app tools",
	"internal/blueprint":               "store pipeline",
	"internal/compare":                 "app web tools",
	"internal/compare/index":           "pipeline tools",
	"internal/connector":               "store pipeline tools",
	"internal/connector/connectortest": "tools",
	"internal/connector/gohighlevel":   "store pipeline tools",
	"internal/connector/httpconn":      "store pipeline tools",
	"internal/connector/makecom":       "store pipeline tools",
	"internal/connector/registry":      "store pipeline",
	"internal/connector/rest":          "store tools",
	"internal/connector/sqltable":      "store pipeline tools",
	"internal/connector/stripe":        "store pipeline tools",
	"internal/demo":                    "app store pipeline tools",
	"internal/inbox":                   "pipeline tools",
	"internal/metrics":                 "inbox pipeline tools",
	"internal/notify":                  "pipeline tools",
	"internal/notify/slack":            "store pipeline",
	"internal/notify/smtp":             "store pipeline",
	"internal/notify/webhook":          "store pipeline",
	"internal/people":                  "pages pipeline tools",
	"internal/people/provider":         "pages store",
	"internal/pipeline":                "inbox web tools",
	"internal/poll":                    "pipeline tools",
	"internal/ratelimit":               "store pipeline",
	"internal/setup":                   "pages store pipeline",
	"internal/signature/vectors":       "signature",
	"internal/suggest":                 "tools",
	"internal/token":                   "pipeline tools",
	"internal/web":                     "store pipeline tools",
	"proof/killtest":                   "store pipeline",
	"proof/sim":                        "drivers tools",
}

// server starts a PostgreSQL for tests. It stands with the store, and is not of it.
const server = "internal/store/pgtest"

// paths are the packages that the words of a table name.
func paths(words string) (all []string) {
	for word := range strings.FieldsSeq(words) {
		switch root, ok := strings.CutPrefix(word, "/"); {
		case ok:
			all = append(all, root)
		case word == "tools":
			all = append(all, tools...)
		case word == "drivers":
			all = append(all, drivers...)
		default:
			all = append(all, "internal/"+word)
		}
	}
	return all
}

func TestAPackageImportsWhatItsCommentSays(t *testing.T) {
	all := packages(t)
	for name, words := range may {
		for _, path := range all[name].Imports {
			if _, ours := all[path]; ours && !slices.Contains(paths(words), path) {
				t.Errorf("%s imports %s, and may import no more than: %s", name, path, words)
			}
		}
	}
	for name, words := range mustNot {
		for _, path := range all[name].Imports {
			for _, never := range paths(words) {
				if under(path, never) && path != server {
					t.Errorf("%s imports %s, which its comment says it must not", name, path)
				}
			}
		}
	}
	says := regexp.MustCompile(`(?m)^//.*\b(may import|must not import|must import nothing|imports nothing of ours)\b`)
	for name, p := range all {
		promise := false
		for _, text := range p.source(t) {
			comment, _, _ := strings.Cut(text, "\npackage ")
			promise = promise || says.MatchString(comment)
		}
		_, lists := may[name]
		_, refuses := mustNot[name]
		if promise != (lists || refuses) {
			t.Errorf("%s: its comment says what it imports: %v; a table here has it: %v", name, promise, lists || refuses)
		}
	}
	for _, table := range []map[string]string{may, mustNot} {
		for name, words := range table {
			for _, path := range append(paths(words), name) {
				if _, ok := all[path]; !ok && !slices.Contains(drivers, path) {
					t.Errorf("there is no package %s", path)
				}
			}
		}
	}
}

// What decides must be a function of what it is given: time is a fact like any other.
func TestWhatDecidesReadsNoClock(t *testing.T) {
	all := packages(t)
	for _, name := range []string{"internal/decide", "internal/mapping", "internal/identity", "internal/reason"} {
		for file, text := range all[name].source(t) {
			if strings.Contains(text, "time.Now") {
				t.Errorf("%s of %s reads the clock", file, name)
			}
		}
	}
}
