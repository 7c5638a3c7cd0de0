package store

import (
	"path/filepath"
	"testing"
	"time"
)

// What was counted of a large sync is used again for a while, and never of a small
// one, nor under other rules.
func TestALargeSyncIsNotCountedForEachQuestion(t *testing.T) {
	var k standings
	key := standingKey{"s", 0}
	k.keep(key, counted{}, manyCustomers-1)
	if len(k.by) != 0 {
		t.Error("a small one is kept")
	}
	k.keep(key, counted{}, manyCustomers)
	k.keep(standingKey{"other", 0}, counted{}, manyCustomers)
	k.keep(standingKey{"s", 5}, counted{}, manyCustomers)
	if _, old := k.by[key]; old || len(k.by) != 2 {
		t.Errorf("kept are %v", k.by)
	}
	k.keep(standingKey{"s", 5}, counted{}, 3) // it has become small
	if len(k.by) != 1 {
		t.Errorf("kept are %v", k.by)
	}
}

func TestACountThatIsTooOldIsMadeAgain(t *testing.T) {
	db, err := Open(t.Context(), Options{DSN: filepath.Join(t.TempDir(), "trueup.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	count := func() int {
		s, err := db.SyncStanding(t.Context(), "s", Rules{})
		if err != nil {
			t.Fatal(err)
		}
		return s.Customers
	}
	for _, age := range []time.Duration{0, countedFor - time.Second, countedFor + time.Second} {
		db.standings.keep(standingKey{"s", 0}, counted{[]looked{{all: manyCustomers}}, time.Now().Add(-age)}, manyCustomers)
		if got, kept := count(), age < countedFor; (got == manyCustomers) != kept {
			t.Errorf("after %s it is %d", age, got)
		}
	}
}
