package sqltable

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/sqltable/mysqltest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(mysqltest.Tests{M: m})) }

// world is a database with a schema of its own, and what an administrator does there.
type world struct {
	*testing.T
	engine                 engine
	admin                  *sql.DB
	host, database, schema string
}

// each runs a test on both engines.
func each(t *testing.T, test func(w *world)) {
	t.Run("PostgreSQL", func(t *testing.T) { test(postgresWorld(t)) })
	t.Run("MariaDB", func(t *testing.T) { test(mariaWorld(t)) })
}

func postgresWorld(t *testing.T) *world {
	u, err := url.Parse(pgtest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, engine: postgres, host: u.Host, database: strings.TrimPrefix(u.Path, "/"), schema: u.Query().Get("search_path")}
	if w.admin, err = sql.Open("pgx", u.String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.admin.Close() })
	return w
}

func mariaWorld(t *testing.T) *world {
	w := &world{T: t, engine: mysql}
	w.admin, w.host, w.schema = mysqltest.Database(t)
	w.database = w.schema
	return w
}

// pick returns what is right for the engine.
func (w *world) pick(postgres, mariadb string) string {
	if w.engine == mysql {
		return mariadb
	}
	return postgres
}

// exec runs statements as the administrator. In them `x` is a quoted name.
func (w *world) exec(statement string, args ...any) {
	w.Helper()
	if w.engine == postgres {
		statement = strings.ReplaceAll(statement, "`", `"`)
	}
	if _, err := w.admin.Exec(statement, args...); err != nil {
		w.Fatalf("%s: %v", statement, err)
	}
}

// value reads one value as the administrator, "<null>" for null.
func (w *world) value(statement string) string {
	w.Helper()
	var v sql.NullString
	if err := w.admin.QueryRow(statement).Scan(&v); err != nil {
		w.Fatalf("%s: %v", statement, err)
	}
	if !v.Valid {
		return "<null>"
	}
	return v.String
}

// customers makes the usual table, with rows 1 Active, 2 Paused and 3 without a status.
func (w *world) customers() *Settings {
	w.exec(w.pick(
		"create table customers (id bigint primary key, email text, status text, updated_at timestamptz not null default now(), updated_by text, status_at timestamptz, status_by text, deleted_at timestamptz)",
		"create table customers (id bigint primary key, email varchar(200), status varchar(40), updated_at datetime(6) not null default current_timestamp(6), updated_by varchar(40), status_at datetime(6), status_by varchar(40), deleted_at datetime(6))"))
	w.exec("create index by_email on customers (email)")
	w.exec("create index by_time on customers (updated_at, id)")
	w.exec("insert into customers (id, email, status) values (1, 'ana@example.com', 'Active'), (2, 'bo@example.com', 'Paused'), (3, 'cy@example.com', null)")
	return w.settings()
}

// settings are those of the table customers.
func (w *world) settings() *Settings {
	s := &Settings{TLS: tlsOff, Table: w.schema + ".customers", ID: "id", Status: "status", UpdatedAt: "updated_at", Keys: map[string]string{"email": "email"}}
	if w.engine == mysql {
		s.TimeZone = "UTC"
	}
	return s
}

var roles atomic.Int64

// role makes a user with the privileges that Export prints, and no other.
func (w *world) role(s *Settings, target bool) string {
	w.Helper()
	role := fmt.Sprintf("r%d_%d", os.Getpid(), roles.Add(1))
	s.DSN = w.dsn("nobody", w.host)
	text, err := Export(config.Connection{Name: "crm", Type: Type, Settings: s}, role, true, target)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if w.engine == postgres {
			w.exec("drop owned by " + role)
		}
		w.exec("drop user " + role)
	})
	w.script(text)
	return role
}

// script runs a script as the command-line clients do.
func (w *world) script(text string) {
	w.Helper()
	if w.engine == postgres {
		w.exec2(text)
		return
	}
	mark, statement := ";", ""
	for line := range strings.Lines(text) {
		switch trimmed := strings.TrimSpace(line); {
		case strings.HasPrefix(trimmed, "delimiter "):
			mark = strings.TrimPrefix(trimmed, "delimiter ")
		case strings.HasPrefix(trimmed, "--") || trimmed == "":
		default:
			code, _, _ := strings.Cut(strings.TrimRight(line, "\n"), "  -- ")
			statement += code + "\n"
			if body, ended := strings.CutSuffix(strings.TrimSpace(statement), mark); ended {
				w.exec2(body)
				statement = ""
			}
		}
	}
}

func (w *world) dsn(user, host string) config.Secret {
	password := ""
	if w.engine == mysql {
		password = ":choose-a-password"
	}
	return config.Secret(w.pick("postgres", "mysql") + "://" + user + password + "@" + host + "/" + w.database)
}

// open opens the table for a side, as a user with the printed privileges.
func (w *world) open(s *Settings, target bool, deps ...connector.Deps) connector.Connection {
	w.Helper()
	s.DSN = w.dsn(w.role(s, target), w.host)
	return w.openAs(s, target, deps...)
}

// openAs does so with the dsn that is there.
func (w *world) openAs(s *Settings, target bool, deps ...connector.Deps) connector.Connection {
	w.Helper()
	d := connector.Deps{}
	if len(deps) > 0 {
		d = deps[0]
	}
	d.Use.Target = target
	if d.Use.Values == nil {
		d.Use.Values = []string{"Active", "Paused", "Churned"}
	}
	c, err := Open("crm", config.Connection{Name: "crm", Type: Type, Timeout: 10 * time.Second}, s, d)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(c.Closed)
	return c
}

// write writes a value over what the record holds now.
func (w *world) write(c connector.Connection, id, value string) (*status.TargetRecord, error) {
	w.Helper()
	r, err := c.Target.Read(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return c.Target.Write(w.Context(), r, value)
}

// fails wants a failure of a kind whose text has all of these words.
func (w *world) fails(err error, kind connector.FailureKind, words ...string) *connector.Failure {
	w.Helper()
	f := connector.FailureOf(err)
	if err == nil || f.Kind != kind {
		w.Fatalf("got %v (kind %s), want kind %s", err, f.Kind, kind)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			w.Errorf("%q does not say %q", err, word)
		}
	}
	return f
}

// dialect is the engine's.
func (w *world) dialect() dialect {
	if w.engine == mysql {
		return myDialect{}
	}
	return pgDialect{}
}

// exec2 runs a statement as it is.
func (w *world) exec2(statement string) {
	w.Helper()
	if _, err := w.admin.Exec(statement); err != nil {
		w.Fatalf("%s: %v", statement, err)
	}
}

func (w *world) params(n int) string {
	var all []string
	for i := range n {
		all = append(all, w.dialect().param(i+1))
	}
	return strings.Join(all, ", ")
}

// impatient opens the table with the shortest wait for a lock.
func (w *world) impatient(s *Settings) connector.Connection {
	w.Helper()
	c, err := Open("crm", config.Connection{Name: "crm", Type: Type, Timeout: 2 * time.Second}, s, connector.Deps{Use: connector.Use{Target: true}})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(c.Closed)
	return c
}
