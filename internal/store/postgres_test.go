package store

import (
	"net/url"
	"testing"

	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// What a node had locked when it was cut off, others get soon, and no small statement is
// compiled. Who wants it otherwise says so in the address.
func TestASessionIsSetForSmallTransactionsUnlessTheAddressSaysOtherwise(t *testing.T) {
	for setting, c := range map[string]struct{ usual, own, then string }{
		"idle_in_transaction_session_timeout": {"10s", "20000", "20s"},
		"jit":                                 {"off", "on", "on"},
	} {
		t.Run(setting, func(t *testing.T) {
			dsn := pgtest.DSN(t)
			own, err := url.Parse(dsn)
			if err != nil {
				t.Fatal(err)
			}
			q := own.Query()
			q.Set(setting, c.own)
			own.RawQuery = q.Encode()
			for at, want := range map[string]string{dsn: c.usual, own.String(): c.then} {
				var got string
				if err := openPlain(t, at).write.QueryRowContext(t.Context(), "show "+setting).Scan(&got); err != nil || got != want {
					t.Errorf("it is %q instead of %s, %v", got, want, err)
				}
			}
		})
	}
}
