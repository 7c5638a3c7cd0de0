package store

import (
	"errors"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// One node hands the role of the only admin to someone else, while another node removes
// that person.
func TestSomeoneStaysAdminWhateverTwoNodesDoAtOnce(t *testing.T) {
	dsn := pgtest.DSN(t)
	open := func() *DB {
		db, err := Open(t.Context(), Options{DSN: dsn, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	one, other := open(), open()
	for _, p := range []Person{{Name: "Ana", Email: "ana@example.com", Role: Admin}, {Name: "Bo", Email: "bo@example.com", Role: Viewer}} {
		if _, err := one.AddPerson(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	given, commit := make(chan error, 1), make(chan struct{})
	first, second := make(chan error, 1), make(chan error, 1)
	go func() {
		first <- one.update(t.Context(), func(tx *tx) error {
			_, err := tx.admins()
			for email, role := range map[string]Role{"ana@example.com": Viewer, "bo@example.com": Admin} {
				p, errPerson := tx.person("p.email = $1", email)
				err = errors.Join(err, errPerson, tx.giveRole(t.Context(), p, role, "ana@example.com"))
			}
			given <- err
			<-commit
			return err
		})
	}()
	if err := <-given; err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := other.RemovePerson(t.Context(), "bo@example.com", "ana@example.com")
		second <- err
	}()
	for waiting, deadline := 0, time.Now().Add(time.Minute); waiting == 0; {
		if err := one.read.QueryRowContext(t.Context(), "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%persons%'").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("the other node does not wait")
		}
	}
	close(commit)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if err := <-second; !errors.Is(err, ErrLastAdmin) {
		t.Errorf("the other node is answered: %v", err)
	}
	admins := 0
	if err := one.read.QueryRowContext(t.Context(), "select count(*) from persons where role = 'admin'").Scan(&admins); err != nil || admins != 1 {
		t.Errorf("%d are admin, %v", admins, err)
	}
}
