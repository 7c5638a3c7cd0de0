package setup

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// A table of a real server follows, and its own user has what the set-up shows.
func TestATableIsSetUp(t *testing.T) {
	u, err := url.Parse(pgtest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	admin, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	if _, err := admin.Exec(`create table customers (id bigint primary key, email text, name text, status text, updated_at timestamptz not null default now());
		insert into customers (id, email, status) values (1, 'a@example.com', 'Active'), (2, 'b@example.com', 'Paused')`); err != nil {
		t.Fatal(err)
	}
	s := begin(t)
	w := world{Setup: s, t: t}
	for _, side := range []Side{Source, Target} {
		w.must(s.SetDirection(DirectionAnswer{Source: map[Side]string{Source: "sql", Target: "http"}[side], Target: map[Side]string{Source: "http", Target: "sql"}[side],
			Sync: "customer-status", Owner: "dana@northbeam.example"}))
		entered := map[string]string{"dsn": "postgres://" + u.User.Username() + ":sesame@" + u.Host + u.Path, "table": u.Query().Get("search_path") + ".customers",
			"id": "id", "status": "status", "tls": "off", "description": map[Side]string{Source: tableDecides, Target: tableFollows}[side]}
		if s.Grants(side) != "" {
			t.Error("there is SQL before anything was entered")
		}
		w.must(s.SetTool(side, entered))
		grants := s.Grants(side)
		if !strings.Contains(grants, "grant select (") || strings.Contains(grants, "grant update (") != (side == Target) || strings.Contains(grants, "sesame") {
			t.Errorf("the %s needs:\n%s", side, grants)
		}
		seen, err := s.Check(context.Background(), side)
		w.must(err)
		if !seen.OK() {
			t.Fatalf("the %s: %+v", side, seen.Points)
		}
		if got := w.counted(side); got.Read != 2 || got.Values["Active"] != 1 {
			t.Errorf("the %s was counted as %+v", side, got)
		}
		text := string(s.Draft().Text())
		for _, want := range []string{"type: sql", "dsn_file: secrets/", "id: id", "tls:", "keys: {email: email, name: name}"} {
			if !strings.Contains(text, want) {
				t.Errorf("the file of the %s lacks %q:\n%s", side, want, text)
			}
		}
		if strings.Contains(text, "sesame") || strings.Contains(text, ", poll: 5m}") != (side == Source) {
			t.Errorf("the file of the %s:\n%s", side, text)
		}
	}
}

func TestWhatATableRefusesIsNamed(t *testing.T) {
	s := begin(t)
	w := world{Setup: s, t: t}
	w.must(s.SetDirection(DirectionAnswer{Source: "http", Target: "sql", Sync: "customer-status", Owner: "dana@northbeam.example"}))
	err := s.SetTool(Target, map[string]string{"dsn": "http://db.example.com", "table": "app.customers", "id": "id", "status": "status", "description": tableFollows})
	problems, ok := err.(Problems)
	if !ok || !strings.Contains(problems.Of("dsn"), "oes not begin with postgres://") {
		t.Errorf("a wrong address: %v", err)
	}
	if s.Grants(Target) != "" {
		t.Error("there is SQL for a table that cannot be")
	}
}
