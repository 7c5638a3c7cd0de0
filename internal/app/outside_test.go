package app_test

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/health"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// seen returns what is seen of a file from outside, by check.
func seen(t *testing.T, text string) map[health.Name]health.Check {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trueup.yaml")
	if err := os.WriteFile(path, []byte(ownWords(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, app.Types(), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	all := map[health.Name]health.Check{}
	for _, c := range app.Outside(t.Context(), cfg) {
		all[c.Check] = c
	}
	return all
}

func says(t *testing.T, c health.Check, result health.Result, part string) {
	t.Helper()
	if c.Result != result || !strings.Contains(c.Sentence(), part) {
		t.Errorf("%s is a %s: %s; it should be a %s and say %q", c.Check, c.Result, c.Sentence(), result, part)
	}
}

func TestARunningServiceIsRecognizedByItsDatabase(t *testing.T) {
	t.Parallel()
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			at := strings.TrimPrefix(l.app.URL(), "http://")
			file := func(dsn, public string) string {
				return strings.Replace(configText(dsn, l.billing.URL, l.crm.URL), "listen: 127.0.0.1:0", "listen: "+at+"\npublic_url: "+public, 1)
			}
			found := seen(t, file(l.dsn, l.app.URL()))
			says(t, found[health.Database], health.Pass, "a transaction was committed")
			says(t, found[health.Port], health.Pass, "held by the running service")
			says(t, found[health.PublicURL], health.Pass, "it leads here")
			if _, told := found[health.Disk]; told != (engine == "sqlite") {
				t.Errorf("the disk: %v", found[health.Disk])
			}
			// One of another database is another service.
			found = seen(t, file(storetest.File(t), l.app.URL()))
			says(t, found[health.Port], health.Fault, "another program listens on "+at)
			says(t, found[health.PublicURL], health.Fault, "another Trueup answers")
		})
	}
}

func TestWithoutARunningServiceTheCheckAnswersItself(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	made := storetest.File(t)
	db, err := store.Open(t.Context(), store.Options{DSN: made, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for name, dsn := range map[string]string{"with a database": made, "without one yet": filepath.Join(t.TempDir(), "trueup.db")} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(configText(dsn, "http://127.0.0.1:1", "http://127.0.0.1:2"), "listen: 127.0.0.1:0", fmt.Sprintf("listen: %s\npublic_url: http://%s", at, at), 1)
			found := seen(t, text)
			says(t, found[health.Port], health.Pass, "is free")
			says(t, found[health.PublicURL], health.Pass, "it leads here")
			if resp, err := http.Get("http://" + at); err == nil {
				resp.Body.Close()
				t.Error("it still listens")
			}
			if _, err := os.Stat(dsn); (err == nil) != (dsn == made) {
				t.Errorf("the database: %v", err)
			}
		})
	}
}

// The fakes are on this machine, so that their clocks are ours.
func TestWhatAProbeSeesBeside(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	path := filepath.Join(t.TempDir(), "trueup.yaml")
	text := strings.Replace(configText(l.dsn, l.billing.URL, l.crm.URL), "    mode: live", "    conflict: {clock_skew: 1h}\n    mode: live", 1)
	text = strings.Replace(text, "    write: {put", "    list: {get: \"/records\", records: body.records}\n    write: {put", 1)
	if err := os.WriteFile(path, []byte(ownWords(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, app.Types(), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]health.Check{}
	for _, r := range app.Probe(t.Context(), cfg, slog.New(slog.DiscardHandler)) {
		if r.Err != nil {
			t.Fatal(r.Connection, r.Err)
		}
		if r.Called != (r.Connection == "crm") { // the other has no list
			t.Errorf("%s was called: %v", r.Connection, r.Called)
		}
		for _, c := range r.Checks {
			found[r.Connection+" "+string(c.Check)] = c
		}
	}
	says(t, found["crm clock"], health.Pass, "conflict.clock_skew of customer-status allows 1h0m0s")
	says(t, found["billing webhook"], health.Unknown, "cannot tell: the tool does not list its webhooks; they belong to the address of this server followed by /hooks/billing")
	says(t, found["billing credential"], health.Pass, "auth.bearer was first used here on ")
	if c, told := found["billing clock"]; told { // it has no list, so that nothing was called
		t.Errorf("the clock of a tool that was not asked: %s", c.Sentence())
	}
}
