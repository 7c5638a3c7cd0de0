package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// An address that two customers have names neither of them.
func TestOnlyRefusesANameThatSeveralCustomersHave(t *testing.T) {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{DSN: filepath.Join(t.TempDir(), "trueup.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, id := range []string{"cus_1", "cus_2", "cus_3"} {
		w, ok, err := db.ClaimOne(ctx, "customer-status", id, 0, time.Minute)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		email := "ana@example.com"
		if id == "cus_3" {
			email = "eve@example.com"
		}
		if err := db.Settle(ctx, &w, store.Settlement{Email: email}); err != nil {
			t.Fatal(err)
		}
	}
	plan := store.Sweep{Sync: "customer-status"}
	_, err = named(ctx, db, plan, map[string]bool{"ana@example.com": true})
	if err == nil || !strings.Contains(err.Error(), "2 customers of customer-status match ana@example.com; nothing was written") {
		t.Errorf("the address of two is answered %v", err)
	}
	ids, err := named(ctx, db, plan, map[string]bool{"Eve@example.com": true, "cus_9": true})
	if err != nil || len(ids) != 2 || !ids["cus_3"] || !ids["cus_9"] {
		t.Errorf("named are %v, %v", ids, err)
	}
}
