package sqltable

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// A server that stops as in a crash is away for a while; when it is back, the same
// connection goes on.
func TestAServerThatIsStartedAgainIsGoneOnWith(t *testing.T) {
	dir, err := os.MkdirTemp("", "trueup-sqltable-") // a test's own folder is closed to the server's user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	cluster, err := pgtest.NewCluster(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cluster.Close() })
	dsn, _, err := cluster.Schema()
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, engine: postgres, host: u.Host, database: "postgres", schema: u.Query().Get("search_path")}
	if w.admin, err = sql.Open("pgx", dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.admin.Close() })
	s := w.customers()
	s.DSN = config.Secret("postgres://trueup@" + w.host + "/postgres")
	c := w.openAs(s, true)
	r, err := c.Target.Read(w.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.StopAtOnce(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := c.Target.Write(w.Context(), r, "Churned")
		if f := w.fails(err, connector.Transient); f.Effect != connector.EffectNone {
			t.Errorf("the effect is %s", f.Effect)
		}
	}
	if err := cluster.Start(); err != nil {
		t.Fatal(err)
	}
	if shown, err := c.Target.Write(w.Context(), r, "Churned"); err != nil || shown.Value != "Churned" {
		t.Errorf("written: %+v, %v", shown, err)
	}
}

// Whoever restarts a server, or fails over to another, ends all sessions at once. No
// call may take an ended one for a changed row, or for a row that is gone.
func TestSessionsThatTheServerEndsAreMadeAnew(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		c := w.open(s, true)
		for n := range 5 {
			r, err := c.Target.Read(w.Context(), "1")
			if err != nil {
				if f := w.fails(err, connector.Transient); f.Effect == connector.EffectUnknown {
					w.Errorf("a read has an unknown effect: %v", f)
				}
				r = status.TargetRecord{ID: "1", Value: w.value("select status from customers where id = 1")}
			}
			w.endSessions(userOf(s))
			next := fmt.Sprint("Value", n)
			if _, err := c.Target.Write(w.Context(), r, next); err != nil {
				f := w.fails(err, connector.Transient)
				if held := w.value("select status from customers where id = 1"); f.Effect == connector.EffectNone && held == next {
					w.Errorf("it claims no effect, and the row holds %s", held)
				}
			}
		}
		if _, err := c.Target.Read(w.Context(), "1"); err != nil {
			w.fails(err, connector.Transient)
		}
		if _, err := c.Target.Read(w.Context(), "1"); err != nil {
			w.Errorf("the second read after the end fails: %v", err)
		}
	})
}

// endSessions ends all sessions of a user.
func (w *world) endSessions(user string) {
	w.Helper()
	if w.engine == postgres {
		w.exec("select pg_terminate_backend(pid) from pg_stat_activity where usename = '" + user + "'")
		return
	}
	found, err := w.admin.Query("select id from information_schema.processlist where user = '" + user + "'")
	if err != nil {
		w.Fatal(err)
	}
	defer found.Close()
	var ids []string
	for found.Next() {
		var id string
		if err := found.Scan(&id); err != nil {
			w.Fatal(err)
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		if _, err := w.admin.Exec("kill " + id); err != nil && !strings.Contains(err.Error(), "Unknown thread") {
			w.Fatal(err)
		}
	}
}

// A server that became read-only is a replica or on its way to be one.
func TestAReadOnlyServerIsTriedAgain(t *testing.T) {
	w := postgresWorld(t)
	s := w.customers()
	role := w.role(s, true)
	w.exec("alter role " + role + " set default_transaction_read_only = on")
	s.DSN = w.dsn(role, w.host)
	_, err := w.openAs(s, true).Target.Write(w.Context(), status.TargetRecord{ID: "1", Value: "Active"}, "Churned")
	if f := w.fails(err, connector.Transient, "read-only", "name the primary"); f.Effect != connector.EffectNone {
		t.Errorf("the effect is %s", f.Effect)
	}
}
