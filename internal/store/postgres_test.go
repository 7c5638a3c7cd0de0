package store

import (
	"net/url"
	"testing"

	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// What a node had locked when it was cut off, others get soon.
func TestTheServerEndsATransactionThatHearsNothing(t *testing.T) {
	dsn := pgtest.DSN(t)
	own, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := own.Query()
	q.Set(idleLimit, "20000")
	own.RawQuery = q.Encode()
	for at, want := range map[string]string{dsn: "10s", own.String(): "20s"} {
		var got string
		if err := openPlain(t, at).write.QueryRowContext(t.Context(), "show "+idleLimit).Scan(&got); err != nil || got != want {
			t.Errorf("after %q instead of %s, %v", got, want, err)
		}
	}
}
