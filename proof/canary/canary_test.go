package canary

import (
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// engines gives each engine's way to an empty database.
var engines = map[string]func(*testing.T) string{
	"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "trueup.db") },
	"postgres": func(t *testing.T) string { return pgtest.DSN(t) },
}

var thorough = flag.Bool("thorough", false, "each way to write a secret on each engine, not each of the two once")

// usual is the engine that each way to write a secret is tried on.
var usual = map[string]string{"secrets in the file": "sqlite", "secrets from the environment": "postgres", "secrets in files of their own": "sqlite"}

func TestNothingGetsOut(t *testing.T) {
	for engine, dsn := range engines {
		for how, write := range spellings {
			if !*thorough && usual[how] != engine {
				continue
			}
			t.Run(engine+"/"+how, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, write, dsn(t), engine == "sqlite")
				w.populate()
				s := &spill{}
				w.live(s)
				w.judge(s)
			})
		}
	}
}

// live is a day of the service with all that can go wrong in it.
func (w *world) live(s *spill) {
	w.Helper()
	sv := w.run(s)
	sv.post()
	sv.attempted()
	w.commands(s)
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/", "/none?email=" + w.mail("good")} {
		sv.request(http.MethodGet, path, nil, "")
	}
	// Once beside the service, while a part of it is not yet in the main file
	// of SQLite, and once when it has ended.
	w.database(s)
	sv.stop()
	w.database(s)

	for name, a := range troubles {
		for _, t := range []*tool{w.billing, w.crm, w.shop, w.ledger, w.scenario, w.location, w.agency, w.slack} {
			t.spoil(a)
		}
		w.command(s, "check", "--live")
		if name == "401" {
			w.command(s, "check", "--live", "--json")
			// The lists of changes are asked for at the start.
			again := w.run(s)
			again.until("it has asked for changes", func() bool {
				return strings.Count(string(s.text(runStderr)), `"msg":"attempt"`) > len(cases)
			})
			again.stop()
			w.commands(s)
		}
	}
	w.database(s)
}

// commands runs every command that shows something.
func (w *world) commands(s *spill) {
	w.Helper()
	for _, args := range [][]string{
		{"check"}, {"check", "--json"}, {"check", "--live"}, {"check", "--live", "--json"},
		{"events"}, {"events", "list", "--json", "--limit", "10000"}, {"events", "list", "--outcome", "parked"}, {"events", "show", "1000000"},
		{"exceptions"}, {"exceptions", "list", "--all", "--json"}, {"exceptions", "list", "--fail-if-any"},
		{"exceptions", "show", "1"}, {"exceptions", "show", "2", "--json"}, {"exceptions", "retry", "1"}, {"exceptions", "retry", "1000000"},
		{"explain", "stripe-status", w.mail("good")}, {"explain", "shop-status", w.mail("none")}, {"explain", "none", "cus_good"},
		{"links"}, {"links", "list", "--json"}, {"links", "export"}, {"links", "set", "shop-status", "cus_good", "rec_twice"},
		{"config", "schema"}, {"version"},
	} {
		w.command(s, args...)
	}
	w.command(s, "export", "make", "--sync", "shop-scenario", "--out", "exported", "--force")
	written, err := filepath.Glob(filepath.Join(w.dir, "exported", "*"))
	if err != nil {
		w.Fatal(err)
	}
	for _, path := range written {
		text, err := os.ReadFile(path)
		if err != nil {
			w.Fatal(err)
		}
		s.add("the exported file "+filepath.Base(path), text)
	}
	w.command(s, "events", "show", "1")
	w.command(s, "events", "show", "2", "--json")
	for _, of := range []string{"good", "edited", "twice", "nobody", "401-source", "page-find", "garbled-read", "badstatus-write"} {
		w.command(s, "explain", "stripe-status", "cus_"+of)
		w.command(s, "explain", "shop-status", "cus_"+of, "--json")
		w.command(s, "explain", "shop-location", "cus_"+of)
	}
}

// judge says of everything that came out whether it may.
func (w *world) judge(s *spill) {
	w.Helper()
	stored := map[string]func(column string) bool{
		w.email.what: func(c string) bool { return c == "events.payload" || c == "customers.email" }, // invariant 2
		w.name.what: func(c string) bool {
			return c == "events.payload" || c == "customers.name" || c == "plan_rows.name" || c == "customers.sought" || c == "plan_rows.sought"
		},
		w.editor.what: func(c string) bool { // invariant 4
			return slices.Contains([]string{"customers.observed_by", "customers.base_by", "decisions.observed_by"}, c)
		},
	}
	shown := map[string][]string{w.email.what: {"trueup events show "}, w.name.what: {"trueup events", "trueup exceptions", "trueup explain "},
		w.editor.what: {"trueup explain "}} // invariants 3, 4
	s.none(w.T, func(n needle, where string) bool {
		if stored[n.what] == nil {
			return false // invariant 1: it is a secret
		}
		if column, ok := strings.CutPrefix(where, inColumn); ok {
			return stored[n.what](column)
		}
		if n.what != w.editor.what && strings.HasPrefix(where, "trueup links set ") && strings.Contains(where, ": stdout") {
			return true // whoever links is shown whom he joins
		}
		byCommand := slices.ContainsFunc(shown[n.what], func(command string) bool { return strings.HasPrefix(where, command) })
		return where == inFile || byCommand && strings.HasSuffix(where, ": stdout")
	}, append(w.needles(), w.email, w.name, w.editor)...)
	// A search that finds nothing proves nothing unless it finds what is there.
	for where, n := range map[string]needle{
		inColumn + "events.payload":                            w.email,
		inColumn + "customers.email":                           w.email,
		inColumn + "decisions.observed_by":                     w.editor,
		"trueup events show 1: stdout":                         w.name,
		"trueup explain shop-status cus_edited --json: stdout": w.editor,
	} {
		if n.found(hayOf(s.text(where))) == "" {
			w.Errorf("%s is not in %s, where it belongs: the search looks at the wrong thing", n.what, where)
		}
	}
	for of, c := range cases {
		for _, pair := range [][2]*tool{{w.billing, w.crm}, {w.shop, w.ledger}} {
			asked := pair[1]
			if c.place == "source" {
				asked = pair[0]
			}
			if c.place != "" && asked.calls(c.place, of) == 0 {
				w.Errorf("nothing was ever answered badly for the case %s", of)
			}
		}
	}
}
