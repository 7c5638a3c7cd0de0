package store

import (
	"encoding/json"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// Forgetting reads only what the database found a name in: wherever the namer finds
// one, the database has to.
func TestTheDatabaseFindsEachNameThatIsReplaced(t *testing.T) {
	names := []string{"cus_Jane4711", "4711", "7", "jane.canary@example.com", "Ask.Kim+Sync@Example.com", "josé.İpek@bücher.example", "ID/9 & \"Söhne\" <12>", "日本語", `back\slash99`, "100%_sure1", ":", "@"}
	spelt := func(name string) []string {
		quoted, err := json.Marshal([]any{map[string]string{"target_id": name}})
		if err != nil {
			t.Fatal(err)
		}
		return []string{name, strings.ToUpper(name), strings.ToLower(name), url.QueryEscape(name), string(quoted), "customer " + name, "x\x00\xff" + name + "\x00", strings.ReplaceAll(name, "k", "\u212a")}
	}
	for engine, dsn := range map[string]func() string{
		"sqlite":   func() string { return filepath.Join(t.TempDir(), "trueup.db") },
		"postgres": func() string { return pgtest.DSN(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			db, err := Open(t.Context(), Options{DSN: dsn(), Migrate: true})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			found, others := 0, 0
			for _, name := range names {
				n := newNamer([]string{"nobody-here-1", name}, "forgotten-x")
				for _, about := range names {
					for _, text := range spelt(about) {
						_, inPayload := n.inPayload([]byte(text))
						named := inPayload || n.namedIn([]byte(text))
						holds, args := holdsOne(n.names, db.payloads, []any{[]byte(text)})
						if got := is(t, db, "select 1 from (select cast($1 as "+db.bytes()+") as payload) e where "+db.cutShort+" or "+holds, args...); named && !got {
							t.Errorf("%q is found in the payload %q, and not by the database", name, text)
						}
						text = cleaned(text)
						named = false
						for _, column := range []string{"reason", "reason_facts", "candidates", "asides", "troubles"} {
							_, here := n.inText(column, text)
							_, there := n.surely(column, text)
							named = named || here || there
						}
						holds, args = holdsOne(n.names, db.textsOf([]string{"a", "b"}), []any{text})
						got := is(t, db, "select 1 from (select cast('' as text) as a, cast($1 as text) as b) e where "+holds, args...)
						switch {
						case named && !got:
							t.Errorf("%q is found in %q, and not by the database", name, text)
						case named:
							found++
						case !got:
							others++
						}
					}
				}
			}
			if found < 40 || others < 200 {
				t.Errorf("%d texts have a name and %d were left out", found, others)
			}
		})
	}
}

func (d *dialect) bytes() string {
	return map[string]string{"sqlite": "blob", "postgres": "bytea"}[d.name]
}

func is(t *testing.T, db *DB, query string, args ...any) (found bool) {
	t.Helper()
	rows, err := db.read.QueryContext(t.Context(), query, args...)
	if err == nil {
		err = each(rows, func(scanner) error { found = true; return nil })
	}
	if err != nil {
		t.Fatalf("%v: %s", err, query)
	}
	return found
}

// Of the texts of a hundred others who are not named, none is read.
func TestForgettingReadsOnlyWhoIsNamed(t *testing.T) {
	none, args := holdsOne(nil, texts{}, []any{"s"})
	if none != "false" || len(args) != 1 {
		t.Errorf("without a name %q is asked with %d arguments", none, len(args))
	}
	all, args := holdsOne([]string{"cus_1234", "日本語"}, texts{"a", "b"}, []any{"s"})
	if all != "true" || len(args) != 1 {
		t.Errorf("with a name that has no piece %q is asked with %d arguments", all, len(args))
	}
}
