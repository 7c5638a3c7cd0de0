package app_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestAStartSaysWhoseCustomersTheFileHasLost(t *testing.T) {
	t.Parallel()
	dsn := storetest.File(t)
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Receive(t.Context(), []store.NewEvent{
		{Connection: "billing", Sync: "before", Side: store.SourceSide, ID: "evt_1", Customer: "cus_1"},
		{Connection: "billing", Sync: "customer-status", Side: store.SourceSide, ID: "evt_1", Customer: "cus_1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "trueup.yaml")
	if err := os.WriteFile(path, []byte(configText(dsn, "http://127.0.0.1:1", "http://127.0.0.1:2")), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, app.Types(), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	a, err := app.Start(t.Context(), app.Options{Config: cfg, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "is no longer in the file"); n != 1 || !strings.Contains(log.String(), "the sync before is no longer in the file, and nothing is synced for what the database has of it: 1 customer") {
		t.Errorf("%d warnings:\n%s", n, log.String())
	}
}
