package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

// vouched is a person of the provider, whose subject is the start of the address.
func vouched(name string, role store.Role, session string) store.Vouched {
	return store.Vouched{Subject: "https://login.example.com\n" + name, Provider: "Okta", Name: name, Email: name + "@example.com", Role: role, Session: session, Device: "Firefox on Linux"}
}

// recorded counts what was recorded of an act.
func (f fixture) recorded(code reason.Code) (n int) {
	f.Helper()
	for _, a := range f.acts(store.ActivityFilter{Limit: 100}) {
		if a.Act.Code == code {
			n++
		}
	}
	return n
}

var arrivals = map[string]func(*testing.T, Open){
	"whom the provider sends is the same person each time, by the subject": func(t *testing.T, open Open) {
		f := fresh(t, open)
		if _, err := f.db.Arrive(f.ctx, vouched("ana", store.Operator, "early")); !errors.Is(err, store.ErrNoAdmin) {
			t.Errorf("a first person who is no admin: %v", err)
		}
		ana, err := f.db.Arrive(f.ctx, vouched("ana", store.Admin, "one"))
		f.must(err)
		if !ana.Provided || ana.HasPassword || ana.Role != store.Admin {
			t.Errorf("the person is %+v", ana)
		}
		renamed := vouched("ana", store.Admin, "two")
		renamed.Name, renamed.Email = "Ana Ruiz", "ana.ruiz@example.com"
		again, err := f.db.Arrive(f.ctx, renamed)
		f.must(err)
		if again.ID != ana.ID || again.Email != "ana@example.com" {
			t.Errorf("with another address the person is %+v", again)
		}
		f.ended("one", store.NotEnded)
		f.ended("two", store.NotEnded)
		// The address was given to somebody else.
		successor := vouched("ana", store.Viewer, "three")
		successor.Subject, successor.Join = "https://login.example.com\nanother", true
		if _, err := f.db.Arrive(f.ctx, successor); !errors.Is(err, store.ErrKnown) {
			t.Errorf("somebody else with the address: %v", err)
		}
		f.session(ana, "last", "two")
		f.ended("two", store.EndedBySignOut)
		if n := f.recorded(reason.ActPersonArrived); n != 1 {
			t.Errorf("%d first arrivals are recorded", n)
		}
	},
	"a person with a password is joined only where that is asked for, and the password ends": func(t *testing.T, open Open) {
		f := fresh(t, open)
		bo := f.person("bo", store.Admin)
		f.must(f.db.SetPassword(f.ctx, bo.ID, "hashed", ""))
		f.session(bo, "by password", "")
		f.must(f.db.AddPersonLink(f.ctx, bo.Email, "link", "ops", time.Hour))
		v := vouched("bo", store.Admin, "by provider")
		if _, err := f.db.Arrive(f.ctx, v); !errors.Is(err, store.ErrKnown) {
			t.Errorf("not asked for: %v", err)
		}
		f.ended("by password", store.NotEnded)
		v.Join = true
		got, err := f.db.Arrive(f.ctx, v)
		f.must(err)
		if got.ID != bo.ID || got.HasPassword || !got.Provided {
			t.Errorf("the person is %+v", got)
		}
		f.ended("by password", store.EndedByPassword)
		f.ended("by provider", store.NotEnded)
		if hash, err := f.db.Password(f.ctx, bo.Email); err != nil || hash != "" {
			t.Errorf("the password is %q, %v", hash, err)
		}
		if _, err := f.db.FindLink(f.ctx, "link"); !errors.Is(err, store.ErrLinkOver) {
			t.Errorf("the link that was sent before: %v", err)
		}
		if n := f.recorded(reason.ActPersonJoined); n != 1 {
			t.Errorf("%d are recorded", n)
		}
	},
	"the role is that of the groups now, and sessions with another one end": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.person("bo", store.Admin)
		_, err := f.db.Arrive(f.ctx, vouched("ana", store.Admin, "admin"))
		f.must(err)
		ana, err := f.db.Arrive(f.ctx, vouched("ana", store.Viewer, "viewer"))
		f.must(err)
		if ana.Role != store.Viewer {
			t.Errorf("she is %s", ana.Role)
		}
		f.ended("admin", store.EndedByRole)
		f.ended("viewer", store.NotEnded)
		got, err := f.db.UseSession(f.ctx, "viewer", idle, longest)
		f.must(err)
		if got.Person.Role != store.Viewer {
			t.Errorf("her session has the role %s", got.Person.Role)
		}
		f.must(f.db.TurnAway(f.ctx, "https://login.example.com\nana", "Okta"))
		f.must(f.db.TurnAway(f.ctx, "https://login.example.com\nana", "Okta")) // says it once
		f.must(f.db.TurnAway(f.ctx, "https://login.example.com\nnobody", "Okta"))
		f.ended("viewer", store.EndedByRole)
		if n := f.recorded(reason.ActNoGroup); n != 1 {
			t.Errorf("%d refusals are recorded", n)
		}
	},
	"the only admin keeps the role whatever the groups say": func(t *testing.T, open Open) {
		f := fresh(t, open)
		_, err := f.db.Arrive(f.ctx, vouched("ana", store.Admin, "one"))
		f.must(err)
		if _, err := f.db.Arrive(f.ctx, vouched("ana", store.Viewer, "two")); !errors.Is(err, store.ErrLastAdmin) {
			t.Errorf("the only admin: %v", err)
		}
		admins, err := f.db.Admins(f.ctx, 2)
		f.must(err)
		if len(admins) != 1 {
			t.Errorf("the admins are %v", admins)
		}
		f.ended("one", store.NotEnded)
	},
	"one new person who arrives twice at once is one": func(t *testing.T, open Open) {
		f := fresh(t, open)
		node2 := open(t, store.Options{Now: f.clock.Now})
		var arrived sync.WaitGroup
		ends := make([]error, 2)
		for i, db := range []*store.DB{f.db, node2} {
			arrived.Go(func() { _, ends[i] = db.Arrive(f.ctx, vouched("ana", store.Admin, []string{"one", "two"}[i])) })
		}
		arrived.Wait()
		f.must(errors.Join(ends...))
		if all, err := f.db.People(f.ctx, "", 0); err != nil || len(all) != 1 {
			t.Errorf("the people are %v, %v", all, err)
		}
	},
}
