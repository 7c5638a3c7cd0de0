package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/store"
)

// The source of the sync cannot be asked: the event that waits in the copy would be
// believed, although the database that the copy was made of has processed it long ago.
func TestACopyThatIsPutBackWritesNoOldStatus(t *testing.T) {
	t.Parallel()
	dsn := engines["sqlite"](t)
	text := func(billing, crm string) string {
		return strings.Replace(configText(dsn, billing, crm)+closeClocks, `record: {id: record.id, status: record.status, keys: {email: record.email}}
    read: {get: "/records/{id}", record: body}
  crm:`, "record: {id: record.customer, status: record.status, keys: {email: record.email}}\n  crm:", 1)
	}
	l := newLiveOf(t, dsn, text)
	tells := func(event, value string) {
		t.Helper()
		l.hook(fmt.Sprintf(`{"id":%q,"customer":"cus_1","email":%q,"status":%q,"at":%q}`, event, mail(1), value, time.Now().UTC().Format(time.RFC3339Nano)))
	}
	holds := func(want string) {
		t.Helper()
		l.until("the record is "+want, func() bool { return l.crm.Statuses()["rec_1"] == want })
	}
	l.customer(1)
	back := l.away()
	tells("evt_1", "canceled")
	copied := filepath.Join(t.TempDir(), "copy.db")
	_, err := l.db.Backup(t.Context(), copied)
	l.must(err)
	back()
	holds("Churned")
	tells("evt_2", "active")
	holds("Active")
	l.stop(time.Minute)
	l.must(l.db.Close())

	for _, part := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(dsn + part); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	_, err = store.Restore(t.Context(), copied, dsn)
	l.must(err)
	l.app = l.node(text(l.billing.URL, l.crm.URL))
	l.db, err = store.Open(t.Context(), store.Options{DSN: dsn})
	l.must(err)
	paused, err := l.db.SyncPaused(t.Context(), "customer-status")
	l.must(err)
	if !strings.Contains(paused.Reason, "the database is a copy made at") {
		t.Fatalf("it is not paused: %+v", paused)
	}
	var writes atomic.Int64
	l.crm.Instead(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			writes.Add(1)
		}
		return false
	})
	_, err = exceptions.Resume(t.Context(), l.db, store.Resume{Sync: "customer-status", Who: "ana@example.com", Reason: "both tools were looked through"})
	l.must(err)
	tells("evt_3", "active")
	l.quiet()
	if now := l.crm.Statuses()["rec_1"]; now != "Active" || writes.Load() > 0 {
		t.Errorf("the record is %s after %d writes", now, writes.Load())
	}
}
