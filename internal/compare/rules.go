package compare

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// rowsAtOnce is how many rows of a plan are held at once.
const rowsAtOnce = 1000

// hashOf names a plan: the sync, the rules, and its rows by customer.
func hashOf(ctx context.Context, db *store.DB, w store.Sweep) (string, error) {
	h := sha256.New()
	add(h, w.Sync, w.Rules)
	for after := ""; ; {
		rows, err := db.PlanRows(ctx, w.ID, after, rowsAtOnce)
		if err != nil {
			return "", err
		}
		for _, r := range rows {
			add(h, r.Customer, r.TargetID, r.Action, string(r.Kind), r.Before, r.After)
			if r.Kind == status.FirstContact && !r.RecordAt.IsZero() { // who approves it approves it as it was edited then
				add(h, r.RecordAt.UTC().Format(time.RFC3339Nano))
			}
			after = r.Customer
		}
		if len(rows) < rowsAtOnce {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
	}
}

// add writes texts with their lengths, so that no two lists look the same.
func add(h hash.Hash, texts ...string) {
	for _, text := range texts {
		fmt.Fprintf(h, "%d:", len(text))
		io.WriteString(h, text) // a hash returns no error
	}
}
