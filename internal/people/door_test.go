package people_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// door is a door of an empty database, with a clock.
func door(t *testing.T) (*people.Door, *storetest.Clock) {
	t.Helper()
	clock := storetest.NewClock()
	db, err := store.Open(t.Context(), store.Options{DSN: t.TempDir() + "/trueup.db", Migrate: true, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &people.Door{Store: db}, clock
}

const (
	password = "correct horse battery staple"
	another  = "an entirely different sentence"
)

// first makes the first person.
func first(t *testing.T, d *people.Door) people.SignedIn {
	t.Helper()
	code, err := d.First(t.Context())
	if err != nil || code == "" {
		t.Fatalf("the first link is %q, %v", code, err)
	}
	in, err := d.Redeem(t.Context(), code, people.Account{Name: " Priya Nair ", Email: "Priya@Northbeam.example", Password: password, Browser: people.Browser{Device: "Chrome on macOS"}})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestTheFirstPersonComesInByALinkAndIsAdmin(t *testing.T) {
	d, _ := door(t)
	in := first(t, d)
	if in.Person.Name != "Priya Nair" || in.Person.Email != "priya@northbeam.example" || in.Person.Role != store.Admin {
		t.Errorf("the first person is %+v", in.Person)
	}
	s, err := d.FromToken(t.Context(), in.Token)
	if err != nil || s.Person.Email != in.Person.Email || s.Device != "Chrome on macOS" {
		t.Errorf("the session is %+v, %v", s, err)
	}
	if code, err := d.First(t.Context()); code != "" || err != nil {
		t.Errorf("there is another link for the first person: %q, %v", code, err)
	}
}

func TestALinkWorksOnceAndOnlyForAnAccountThatIsInOrder(t *testing.T) {
	d, clock := door(t)
	first(t, d)
	p, code, err := d.Invite(t.Context(), "Dana Reyes", "dana@northbeam.example", store.Operator, "priya@northbeam.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, chosen := range []string{"short", "password1234", "dana@northbeam.example", strings.Repeat("ä", 600)} {
		var refused people.PasswordError
		if _, err := d.Redeem(t.Context(), code, people.Account{Password: chosen}); !errors.As(err, &refused) {
			t.Errorf("the password %.20q is taken: %v", chosen, err)
		}
	}
	in, err := d.Redeem(t.Context(), code, people.Account{Name: "Mallory", Email: "mallory@example.com", Password: password})
	if err != nil || in.Person.ID != p.ID || in.Person.Email != p.Email || in.Person.Name != "Dana Reyes" {
		t.Errorf("who came in is %+v, %v", in.Person, err)
	}
	if _, err := d.Redeem(t.Context(), code, people.Account{Password: another}); !errors.Is(err, store.ErrLinkOver) {
		t.Errorf("the link worked twice: %v", err)
	}
	if code, err = d.NewLink(t.Context(), p.Email, "ops"); err != nil {
		t.Fatal(err)
	}
	clock.Move(people.LinkLasts)
	if _, err := d.Redeem(t.Context(), code, people.Account{Password: another}); !errors.Is(err, store.ErrLinkOver) {
		t.Errorf("a link worked after its time: %v", err)
	}
	if _, err := d.Link(t.Context(), ""); !errors.Is(err, store.ErrLinkOver) {
		t.Errorf("no link: %v", err)
	}
	for _, bad := range []struct{ name, email string }{{"", "a@example.com"}, {"A", "nowhere"}, {"A", "A <a@example.com>"}, {strings.Repeat("a", 81), "a@example.com"}, {"A\nB", "a@example.com"}} {
		var field *people.FieldError
		if _, _, err := d.Invite(t.Context(), bad.name, bad.email, store.Viewer, "ops"); !errors.As(err, &field) {
			t.Errorf("%q with the address %q was invited: %v", bad.name, bad.email, err)
		}
	}
}

func TestSignIn(t *testing.T) {
	d, clock := door(t)
	first(t, d)
	try := func(email, password string) (people.SignedIn, error) {
		return d.SignIn(t.Context(), people.Try{Email: email, Password: password, Browser: people.Browser{Address: "192.0.2.1"}})
	}
	wrong := func(email, password string, failed int) {
		t.Helper()
		_, err := try(email, password)
		var w *people.WrongError
		if !errors.As(err, &w) || w.Failed != failed || w.Free != 5 {
			t.Errorf("%s with %q: %v (%+v)", email, password, err, w)
		}
	}
	in, err := try(" PRIYA@northbeam.example ", password)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.FromToken(t.Context(), in.Token); err != nil {
		t.Error(err)
	}
	wrong("nobody@northbeam.example", password, 1)
	wrong("nobody@northbeam.example", "", 2)
	invited, _, err := d.Invite(t.Context(), "Dana", "dana@northbeam.example", store.Viewer, "ops")
	if err != nil {
		t.Fatal(err)
	}
	wrong(invited.Email, "", 1) // who has no password has not the empty one
	for i := range 5 {
		wrong("priya@northbeam.example", "Correct horse battery staple", i+1)
	}
	var wait *people.WaitError
	if _, err := try("priya@northbeam.example", password); !errors.As(err, &wait) || wait.For != time.Minute {
		t.Errorf("the right password during the wait: %v", err)
	}
	clock.Move(time.Minute)
	if _, err := try("priya@northbeam.example", password); err != nil {
		t.Errorf("the right password after the wait: %v", err)
	}
	wrong("priya@northbeam.example", "", 1)
}

func TestASessionIsOverForAReason(t *testing.T) {
	d, clock := door(t)
	in := first(t, d)
	over := func(token string, want store.Ending) {
		t.Helper()
		_, err := d.FromToken(t.Context(), token)
		var ended *people.EndedError
		if !errors.As(err, &ended) || ended.Why != want {
			t.Errorf("%v, want the ending %s", err, want)
		}
	}
	sign := func(before string) string {
		t.Helper()
		in, err := d.SignIn(t.Context(), people.Try{Email: in.Person.Email, Password: password, Browser: people.Browser{Address: "192.0.2.1", Token: before}})
		if err != nil {
			t.Fatal(err)
		}
		return in.Token
	}
	next := sign(in.Token)
	over(in.Token, store.EndedBySignOut) // signing in gives another token
	clock.Move(config.SessionIdle)
	over(next, store.EndedByIdleness)
	d.Times = func() (idle, longest time.Duration) { return time.Hour, config.SessionEnds }
	next = sign("")
	clock.Move(time.Hour)
	over(next, store.EndedByIdleness)
	one, two := sign(""), sign("")
	change := people.Try{Email: in.Person.Email, Password: another, Browser: people.Browser{Address: "192.0.2.1", Token: two}}
	var wrong *people.WrongError
	if err := d.ChangePassword(t.Context(), change, "yet another sentence of hers"); !errors.As(err, &wrong) {
		t.Errorf("a password was changed without the old one: %v", err)
	}
	change.Password = password
	if err := d.ChangePassword(t.Context(), change, another); err != nil {
		t.Fatal(err)
	}
	over(one, store.EndedByPassword)
	if _, err := d.FromToken(t.Context(), two); err != nil {
		t.Errorf("the session in which the password was changed: %v", err)
	}
	if err := d.SignOut(t.Context(), two); err != nil {
		t.Fatal(err)
	}
	over(two, store.EndedBySignOut)
	for _, token := range []string{"", "unknown"} {
		if _, err := d.FromToken(t.Context(), token); !errors.Is(err, people.ErrNoSession) {
			t.Errorf("the token %q: %v", token, err)
		}
	}
	if _, err := d.SetRole(t.Context(), in.Person.Email, store.Viewer, "ops"); !errors.Is(err, store.ErrLastAdmin) {
		t.Errorf("the only admin: %v", err)
	}
}
