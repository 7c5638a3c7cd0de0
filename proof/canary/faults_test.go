package canary

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// mistakes are ways to write one secret wrongly. Each gets the mapping that
// holds it and its key.
var mistakes = map[string]func(s secret, in object, key string){
	"its key is misspelt": func(_ secret, in object, key string) { in[key+"x"] = in[key] },
	"its file's key is, too": func(_ secret, in object, key string) {
		in[key+"_fil"] = in[key]
		delete(in, key)
	},
	"it is there twice":                  func(s secret, in object, key string) { in[key+"_file"] = s.text },
	"it stands for the file's path":      func(s secret, in object, key string) { in[key+"_file"] = s.text; delete(in, key) },
	"it is a mapping":                    func(s secret, in object, key string) { in[key] = object{s.text: s.text} },
	"it is a list of lists":              func(s secret, in object, key string) { in[key] = []any{[]string{s.text}} },
	"it is a list in a text":             func(s secret, in object, key string) { in[key] = "[" + s.text + "]" },
	"it begins otherwise":                func(s secret, in object, key string) { in[key] = "pk_!" + s.core },
	"it holds a line break":              func(s secret, in object, key string) { in[key] = s.text + "\n" + s.core },
	"it holds a space and a colon":       func(s secret, in object, key string) { in[key] = s.core + " : " + s.core },
	"it looks like a reference":          func(s secret, in object, key string) { in[key] = "${" + s.core + "-}" + s.core },
	"it is part of a text with a number": func(s secret, in object, key string) { in[key] = []any{s.text, 7, s.core} },
}

// A file with a mistake in a secret is refused, or is no mistake where any text
// may stand; in neither case is the secret quoted.
func TestAFaultNeverQuotesASecret(t *testing.T) {
	done := map[string]bool{} // by field
	for _, way := range []string{"a Slack app", "a Slack webhook"} {
		t.Run(way, func(t *testing.T) {
			w := newWorld(t, spellings["secrets in the file"], "postgres://trueup@127.0.0.1:1/none", way == "a Slack app")
			var some []secret
			for _, s := range w.secrets {
				if !done[s.field] {
					some = append(some, s)
				}
			}
			for _, s := range some {
				done[s.field] = true
			}
			w.mistaken(some)
		})
	}
}

// mistaken makes every mistake with each of some secrets.
func (w *world) mistaken(some []secret) {
	w.Helper()
	whole := w.yaml(w.config)
	out := &spill{}
	refused := 0
	for _, s := range some {
		for what, mistake := range mistakes {
			var broken object
			if err := json.Unmarshal([]byte(whole), &broken); err != nil {
				w.Fatal(err)
			}
			in := broken
			for _, key := range s.path[:len(s.path)-1] {
				in = in[key].(object)
			}
			mistake(s, in, s.path[len(s.path)-1])
			refused += w.checked(out, w.yaml(broken), fmt.Sprintf("%s: %s", s.what, what))
		}
		// No YAML any more, behind and before the secret.
		quoted := `"` + s.text + `"`
		for _, syntax := range []string{`"` + s.text, quoted + ": {", quoted + quoted, "\t" + quoted, "*" + s.core, "!" + s.core + " x", "&" + s.core + " x", "|" + s.core, "%" + s.core} {
			refused += w.checked(out, strings.Replace(whole, quoted, syntax, 1), s.what+": "+syntax[:1])
		}
	}
	if refused < 10*len(some) {
		w.Errorf("only %d files were refused: the mistakes are none", refused)
	}
	out.none(w.T, nowhere, w.needles()...)
}

// checked reads a text as trueup.yaml and returns 1 when it is refused. Every
// command prints the faults as they are.
func (w *world) checked(out *spill, text, what string) int {
	where := "the faults of " + what
	_, err := config.Parse("trueup.yaml", []byte(text), w.dir, app.Types(), os.LookupEnv)
	out.add(where, fmt.Append(nil, err))
	if err != nil {
		return 1
	}
	return 0
}

// A database that cannot be opened is an error of every command, and its
// password is in none of them.
func TestADatabaseThatCannotBeOpenedKeepsItsPassword(t *testing.T) {
	n := newNeedle("the database's password")
	there, err := url.Parse(pgtest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	server := there.Host
	for name, dsn := range map[string]string{
		"nobody listens":               "postgres://trueup:" + n.core + "@127.0.0.1:1/none",
		"there is no such database":    "postgres://trueup:" + n.core + "@" + server + "/none_such",
		"there is no such user":        "postgres://nobody_such:" + n.core + "@" + server + "/postgres",
		"a wrong setting":              "postgres://trueup:" + n.core + "@127.0.0.1:1/none?sslmode=bogus",
		"a wrong port":                 "postgres://trueup:" + n.core + "@127.0.0.1:port/none",
		"a port that is the password":  "postgres://trueup:127.0.0.1:" + n.core + "/none",
		"two hosts":                    "postgres://trueup:" + n.core + "@127.0.0.1:1,127.0.0.1:x/none",
		"a password as a setting":      "postgres://trueup@127.0.0.1:1/none?password=" + n.core,
		"… and a wrong one":            "postgres://trueup@127.0.0.1:1/none?password=" + n.core + "&sslmode=bogus",
		"a password that is not coded": "postgres://trueup:" + n.core + "/%zz@127.0.0.1/none",
		"… with an @":                  "postgres://trueup:x@" + n.core + "@127.0.0.1:1/none",
		"… with a #":                   "postgres://trueup:#" + n.core + "@127.0.0.1:1/none",
		"… with a space":               "postgres://trueup: " + n.core + "@127.0.0.1:1/none",
		"a key and a wrong one":        "postgres://trueup@127.0.0.1:1/none?sslpassword=" + n.core + "&sslkey=/none&sslcert=/none",
		"another database":             "mysql://trueup:" + n.core + "@127.0.0.1:1/none",
		"no URL":                       "host=127.0.0.1 port=1 user=trueup password=" + n.core,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, spellings["secrets in the file"], "trueup.db", true)
			w.config["database"] = dsn
			w.write("trueup.yaml", w.yaml(w.config))
			out := &spill{}
			for _, args := range [][]string{{"run", "--drain", "1s"}, {"run", "--log-level", "debug", "--log-format", "text"}, {"events"}, {"check", "--json"}} {
				w.command(out, args...)
			}
			if len(out.text("trueup events: stderr")) == 0 {
				t.Error("it is opened")
			}
			out.none(t, nowhere, n)
		})
	}
}
