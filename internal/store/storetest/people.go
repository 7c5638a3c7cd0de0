package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/store"
)

// person adds a person whose name is the start of the address.
func (f fixture) person(name string, role store.Role) store.Person {
	f.Helper()
	p, err := f.db.AddPerson(f.ctx, store.Person{Name: name, Email: name + "@example.com", Role: role, CreatedBy: "ops"})
	f.must(err)
	return p
}

const (
	idle    = 12 * time.Hour
	longest = 7 * 24 * time.Hour
)

// session begins a session whose hash is its name.
func (f fixture) session(p store.Person, name, before string) {
	f.Helper()
	f.must(f.db.BeginSession(f.ctx, p.ID, name, "Firefox on Linux", before))
}

// ended checks why a session is over.
func (f fixture) ended(session string, want store.Ending) {
	f.Helper()
	got, err := f.db.UseSession(f.ctx, session, idle, longest)
	f.must(err)
	if got.Ended != want {
		f.Errorf("the session %s is over because of %q, want %q", session, got.Ended, want)
	}
	if want != store.NotEnded && got.Person.Email != "" {
		f.Errorf("the session %s, which is over, names %s", session, got.Person.Email)
	}
}

var people = map[string]func(*testing.T, Open){
	"a person is found by the address, without the password": func(t *testing.T, open Open) {
		f := fresh(t, open)
		if some, err := f.db.HasPeople(f.ctx); err != nil || some {
			t.Errorf("people at the beginning: %t, %v", some, err)
		}
		ana, bo := f.person("ana", store.Admin), f.person("bo", store.Viewer)
		if some, err := f.db.HasPeople(f.ctx); err != nil || !some {
			t.Errorf("people: %t, %v", some, err)
		}
		f.must(f.db.SetPassword(f.ctx, ana.ID, "hashed", ""))
		got, err := f.db.PersonByEmail(f.ctx, "ana@example.com")
		f.must(err)
		want := store.Person{ID: ana.ID, Name: "ana", Email: "ana@example.com", Role: store.Admin, HasPassword: true, CreatedAt: f.clock.Now(), CreatedBy: "ops"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for email, want := range map[string]string{"ana@example.com": "hashed", "bo@example.com": "", "nobody@example.com": ""} {
			if got, err := f.db.Password(f.ctx, email); err != nil || got != want {
				t.Errorf("the password of %s is %q, %v", email, got, err)
			}
		}
		if _, err := f.db.PersonByEmail(f.ctx, "nobody@example.com"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
		if _, err := f.db.AddPerson(f.ctx, store.Person{Name: "Another", Email: "ana@example.com", Role: store.Viewer}); !errors.Is(err, store.ErrKnown) {
			t.Errorf("a second person with the address: %v", err)
		}
		first, err := f.db.People(f.ctx, "", 1)
		f.must(err)
		rest, err := f.db.People(f.ctx, "ana@example.com", 0)
		f.must(err)
		admins, err := f.db.Admins(f.ctx, 3)
		f.must(err)
		if len(first) != 1 || first[0].ID != ana.ID || len(rest) != 1 || rest[0].ID != bo.ID || len(admins) != 1 || admins[0].ID != ana.ID {
			t.Errorf("the first page is %v, the rest %v, the admins %v", first, rest, admins)
		}
	},
	"the only admin stays one, however many ask at once": func(t *testing.T, open Open) {
		f := fresh(t, open)
		node2 := open(t, store.Options{Now: f.clock.Now})
		emails := []string{f.person("ana", store.Admin).Email, f.person("bo", store.Admin).Email}
		for range 5 {
			for _, email := range emails {
				_, err := f.db.SetPersonRole(f.ctx, email, store.Admin, "ops")
				f.must(err)
			}
			var asked sync.WaitGroup
			for i, db := range []*store.DB{f.db, node2} {
				asked.Go(func() {
					if _, err := db.SetPersonRole(f.ctx, emails[i], store.Viewer, "ops"); err != nil && !errors.Is(err, store.ErrLastAdmin) {
						t.Error(err)
					}
				})
			}
			asked.Wait()
			admins, err := f.db.Admins(f.ctx, 5)
			f.must(err)
			if len(admins) != 1 {
				t.Fatalf("%d admins are left", len(admins))
			}
			if _, err := f.db.RemovePerson(f.ctx, admins[0].Email, "ops"); !errors.Is(err, store.ErrLastAdmin) {
				t.Errorf("removing the only admin: %v", err)
			}
		}
		for _, change := range []func() error{
			func() error {
				_, err := f.db.SetPersonRole(f.ctx, "nobody@example.com", store.Admin, "ops")
				return err
			},
			func() error { _, err := f.db.RemovePerson(f.ctx, "nobody@example.com", "ops"); return err },
			func() error { _, err := f.db.EndSessions(f.ctx, "nobody@example.com", "ops"); return err },
			func() error { return f.db.SetPassword(f.ctx, 4711, "x", "") },
			func() error { return f.db.BeginSession(f.ctx, 4711, "s", "", "") },
		} {
			if err := change(); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("a change of nobody: %v", err)
			}
		}
	},
	"roles are given all together or not at all": func(t *testing.T, open Open) {
		f := fresh(t, open)
		ana, bo, cy := f.person("ana", store.Admin), f.person("bo", store.Viewer), f.person("cy", store.Viewer)
		f.session(bo, "bo's", "")
		give := func(p store.Person, was, role store.Role) store.RoleChange {
			return store.RoleChange{Email: p.Email, Was: was, Role: role}
		}
		roles := func(want ...store.Role) {
			t.Helper()
			for i, p := range []store.Person{ana, bo, cy} {
				now, err := f.db.Person(f.ctx, p.ID)
				f.must(err)
				if now.Role != want[i] {
					t.Errorf("%s is %s, want %s", p.Name, now.Role, want[i])
				}
			}
		}
		var changed *store.RoleChangedError
		if err := f.db.SetPersonRoles(f.ctx, []store.RoleChange{give(bo, store.Viewer, store.Operator), give(cy, store.Operator, store.Admin)}, "ops"); !errors.As(err, &changed) || changed.Person.Name != "cy" || changed.Role != store.Viewer {
			t.Errorf("a role that is another one now: %v", err)
		}
		if err := f.db.SetPersonRoles(f.ctx, []store.RoleChange{give(bo, store.Viewer, store.Operator), give(store.Person{Email: "gone@example.com"}, store.Viewer, store.Operator)}, "ops"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a person who is gone: %v", err)
		}
		if err := f.db.SetPersonRoles(f.ctx, []store.RoleChange{give(bo, store.Viewer, store.Operator), give(ana, store.Admin, store.Viewer)}, "ops"); !errors.Is(err, store.ErrLastAdmin) {
			t.Errorf("the only admin: %v", err)
		}
		roles(store.Admin, store.Viewer, store.Viewer)
		f.ended("bo's", store.NotEnded)
		f.must(f.db.SetPersonRoles(f.ctx, []store.RoleChange{give(ana, store.Admin, store.Viewer), give(bo, store.Viewer, store.Admin)}, "ops"))
		roles(store.Viewer, store.Admin, store.Viewer)
		f.ended("bo's", store.EndedByRole)
	},
	"a session ends when it is idle, when it is old, and when somebody ends it": func(t *testing.T, open Open) {
		f := fresh(t, open)
		ana := f.person("ana", store.Operator)
		f.session(ana, "one", "")
		f.clock.Move(30 * time.Second)
		got, err := f.db.UseSession(f.ctx, "one", idle, longest)
		f.must(err)
		if got.Person.ID != ana.ID || got.Person.Role != store.Operator || got.Device != "Firefox on Linux" || got.Ended != store.NotEnded {
			t.Errorf("the session is %+v", got)
		}
		if _, err := f.db.UseSession(f.ctx, "nobody's", idle, longest); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("no session: %v", err)
		}
		f.session(ana, "two", "one") // the same browser
		f.ended("one", store.EndedBySignOut)
		f.clock.Move(idle - 2*time.Second)
		if got, err := f.db.Session(f.ctx, "two", idle, longest); err != nil || got.Person.ID != ana.ID {
			t.Errorf("a session that is only looked for: %+v, %v", got, err)
		}
		f.clock.Move(2 * time.Second)
		if got, err := f.db.Session(f.ctx, "two", idle, longest); err != nil || got.Ended != store.EndedByIdleness {
			t.Errorf("a session that was only looked for is used: %+v, %v", got, err)
		}
		f.clock.Move(-time.Second)
		f.ended("two", store.NotEnded)
		f.clock.Move(idle)
		f.ended("two", store.EndedByIdleness)
		f.session(ana, "three", "")
		for range 14 { // never idle
			f.ended("three", store.NotEnded)
			f.clock.Move(idle - time.Minute)
		}
		f.clock.Move(14 * time.Minute)
		f.ended("three", store.EndedByLongevity)
		f.session(ana, "four", "")
		f.must(f.db.EndSession(f.ctx, "four"))
		f.must(f.db.EndSession(f.ctx, "four"))
		f.ended("four", store.EndedBySignOut)
		f.session(ana, "five", "")
		f.session(ana, "six", "")
		f.session(f.person("bo", store.Admin), "his", "")
		n, err := f.db.EndSessions(f.ctx, ana.Email, "ops")
		f.must(err)
		if n < 2 {
			t.Errorf("%d sessions were ended", n)
		}
		f.ended("five", store.EndedEverywhere)
		f.ended("six", store.EndedEverywhere)
		f.ended("his", store.NotEnded)
	},
	"another role, another password and a removal end sessions": func(t *testing.T, open Open) {
		f := fresh(t, open)
		ana := f.person("ana", store.Operator)
		f.session(ana, "role", "")
		_, err := f.db.SetPersonRole(f.ctx, ana.Email, store.Operator, "ops") // the one that she has
		f.must(err)
		f.ended("role", store.NotEnded)
		was, err := f.db.SetPersonRole(f.ctx, ana.Email, store.Viewer, "ops")
		f.must(err)
		f.ended("role", store.EndedByRole)
		if was != store.Operator {
			t.Errorf("she was %s", was)
		}
		f.session(ana, "here", "")
		f.session(ana, "elsewhere", "")
		f.must(f.db.SetPassword(f.ctx, ana.ID, "hashed", "here"))
		f.ended("here", store.NotEnded)
		f.ended("elsewhere", store.EndedByPassword)
		f.must(f.db.AddPersonLink(f.ctx, ana.Email, "link", "ops", time.Hour))
		_, err = f.db.RemovePerson(f.ctx, ana.Email, "ops")
		f.must(err)
		f.ended("here", store.EndedByRemoval)
		if _, err := f.db.FindLink(f.ctx, "link"); !errors.Is(err, store.ErrLinkOver) {
			t.Errorf("her link: %v", err)
		}
		// Somebody new with the address has nothing of hers.
		again := f.person("ana", store.Admin)
		f.ended("here", store.EndedByRemoval)
		if again.ID == ana.ID || again.HasPassword {
			t.Errorf("the new person is %+v", again)
		}
	},
	"it is noted once a minute who is here": func(t *testing.T, open Open) {
		f := fresh(t, open)
		ana := f.person("ana", store.Operator)
		f.session(ana, "one", "")
		first := f.clock.Now()
		for _, step := range []struct {
			move time.Duration
			want time.Time
		}{{59 * time.Second, first}, {time.Second, first.Add(time.Minute)}, {time.Second, first.Add(time.Minute)}} {
			f.clock.Move(step.move)
			_, err := f.db.UseSession(f.ctx, "one", idle, longest)
			f.must(err)
			got, err := f.db.PersonByEmail(f.ctx, ana.Email)
			f.must(err)
			if !got.LastSeenAt.Equal(step.want) {
				t.Errorf("at %s she was seen last at %s", f.clock.Now(), got.LastSeenAt)
			}
		}
	},
	"a link lets one in once, until it is too old or replaced": func(t *testing.T, open Open) {
		f := fresh(t, open)
		node2 := open(t, store.Options{Now: f.clock.Now})
		redeem := func(link string) error {
			_, err := f.db.Redeem(f.ctx, store.Redemption{Link: link, Name: "Ana", Email: "ana@example.com", Password: "hashed", Session: "by " + link})
			return err
		}
		for _, link := range []string{"first", "second", "old"} {
			made, err := f.db.AddFirstLink(f.ctx, link, time.Hour)
			f.must(err)
			if !made {
				t.Errorf("no link %s", link)
			}
		}
		// Two people at once: one is the first.
		var asked sync.WaitGroup
		ends := make([]error, 2)
		for i, db := range []*store.DB{f.db, node2} {
			asked.Go(func() {
				_, ends[i] = db.Redeem(f.ctx, store.Redemption{Link: []string{"first", "second"}[i], Name: "Ana", Email: []string{"ana@example.com", "bo@example.com"}[i], Password: "hashed", Session: []string{"a", "b"}[i]})
			})
		}
		asked.Wait()
		if (ends[0] == nil) == (ends[1] == nil) || !errors.Is(errors.Join(ends...), store.ErrLinkOver) {
			t.Fatalf("two first people: %v", ends)
		}
		admins, err := f.db.Admins(f.ctx, 5)
		f.must(err)
		if len(admins) != 1 || !admins[0].HasPassword {
			t.Fatalf("the admins are %v", admins)
		}
		if made, err := f.db.AddFirstLink(f.ctx, "late", time.Hour); err != nil || made {
			t.Errorf("a link for the first person although there is one: %t, %v", made, err)
		}
		if err := redeem("old"); !errors.Is(err, store.ErrLinkOver) {
			t.Errorf("another link for the first person: %v", err)
		}
		cy := f.person("cy", store.Viewer)
		f.session(cy, "before", "")
		f.must(f.db.AddPersonLink(f.ctx, cy.Email, "replaced", "ops", time.Hour))
		f.must(f.db.AddPersonLink(f.ctx, cy.Email, "hers", "ops", time.Hour))
		if err := redeem("replaced"); !errors.Is(err, store.ErrLinkOver) {
			t.Errorf("a link that was replaced: %v", err)
		}
		found, err := f.db.FindLink(f.ctx, "hers")
		f.must(err)
		if found.First() || found.Person.Email != cy.Email || !found.Until.Equal(f.clock.Now().Add(time.Hour)) {
			t.Errorf("the link is %+v", found)
		}
		f.must(redeem("hers"))
		f.ended("before", store.EndedByPassword)
		f.ended("by hers", store.NotEnded)
		if err := redeem("hers"); !errors.Is(err, store.ErrLinkOver) {
			t.Errorf("a link that was used: %v", err)
		}
		f.must(f.db.AddPersonLink(f.ctx, cy.Email, "too old", "ops", time.Hour))
		f.clock.Move(time.Hour)
		if err := redeem("too old"); !errors.Is(err, store.ErrLinkOver) {
			t.Errorf("a link that is too old: %v", err)
		}
		if err := f.db.AddPersonLink(f.ctx, "nobody@example.com", "x", "ops", time.Hour); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a link for nobody: %v", err)
		}
	},
	"attempts wait longer and longer, and nobody else locks a person out": func(t *testing.T, open Open) {
		f := fresh(t, open)
		rules := store.Throttle{OfAccount: 3, FromAddress: 10, First: time.Minute, Longest: 4 * time.Minute, Forgotten: 24 * time.Hour, Known: 30 * 24 * time.Hour}
		home := store.Attempt{Account: "ana", Address: "home", Pair: "ana at home"}
		try := func(a store.Attempt, failed int, wait time.Duration) {
			t.Helper()
			got, err := f.db.TryToSignIn(f.ctx, a, rules)
			f.must(err)
			if got.Failed != failed || got.Wait != wait {
				t.Errorf("%s from %s: %d failed, wait %s; want %d, %s", a.Account, a.Address, got.Failed, got.Wait, failed, wait)
			}
		}
		for i := range 3 {
			try(home, i+1, 0)
		}
		for i, wait := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 4 * time.Minute} {
			try(home, 0, wait)
			try(home, 0, wait) // it is not longer for that
			f.clock.Move(wait)
			try(home, 4+i, 0)
		}
		// The right password after the wait: all is well, and the place is known.
		f.clock.Move(4 * time.Minute)
		try(home, 8, 0)
		f.must(f.db.SignedIn(f.ctx, home, rules))
		try(home, 1, 0)
		f.must(f.db.SignedIn(f.ctx, home, rules))
		// Others try her account all the time.
		away := store.Attempt{Account: "ana", Address: "away", Pair: "ana from away"}
		for i := range 3 {
			try(away, i+1, 0)
		}
		try(away, 0, time.Minute)
		try(store.Attempt{Account: "ana", Address: "third", Pair: "ana from a third place"}, 0, time.Minute)
		try(home, 1, 0)
		try(home, 2, 0)
		try(home, 3, 0)
		try(home, 0, time.Minute)
		// After a day nothing counts any more, and after a month the place is not known.
		f.clock.Move(24*time.Hour + time.Minute)
		try(away, 1, 0)
		try(home, 1, 0)
		f.clock.Move(30 * 24 * time.Hour)
		try(away, 1, 0)
		try(home, 2, 0)
	},
	"an address that tries many accounts waits, also with an account of its own": func(t *testing.T, open Open) {
		f := fresh(t, open)
		rules := store.Throttle{OfAccount: 5, FromAddress: 4, First: time.Minute, Longest: 15 * time.Minute, Forgotten: 24 * time.Hour, Known: time.Hour}
		try := func(account string) store.Tried {
			t.Helper()
			got, err := f.db.TryToSignIn(f.ctx, store.Attempt{Account: account, Address: "there", Pair: account + " there"}, rules)
			f.must(err)
			return got
		}
		for _, account := range []string{"a", "b", "c"} {
			try(account)
		}
		own := store.Attempt{Account: "own", Address: "there", Pair: "own there"}
		if got := try("own"); got.Wait != 0 || got.Free != 5 {
			t.Errorf("%+v", got)
		}
		f.must(f.db.SignedIn(f.ctx, own, rules))
		try("d")
		if got := try("e"); got.Wait != time.Minute {
			t.Errorf("after four accounts: wait %s", got.Wait)
		}
		if got := try("own"); got.Wait != time.Minute {
			t.Errorf("with an account of its own: wait %s", got.Wait)
		}
	},
	"many attempts at once are counted before any is answered": func(t *testing.T, open Open) {
		f := fresh(t, open)
		node2 := open(t, store.Options{Now: f.clock.Now})
		rules := store.Throttle{OfAccount: 5, FromAddress: 100, First: time.Minute, Longest: time.Hour, Forgotten: time.Hour, Known: time.Hour}
		var asked sync.WaitGroup
		var passed atomic.Int32
		for i := range 20 {
			asked.Go(func() {
				got, err := []*store.DB{f.db, node2}[i%2].TryToSignIn(f.ctx, store.Attempt{Account: "ana", Address: "there", Pair: "p"}, rules)
				if err != nil {
					t.Error(err)
				}
				if got.Wait == 0 {
					passed.Add(1)
				}
			})
		}
		asked.Wait()
		if n := passed.Load(); n != 5 {
			t.Errorf("%d attempts passed, not 5", n)
		}
	},
	"what is left of signing in is deleted when it is old": func(t *testing.T, open Open) {
		f := fresh(t, open)
		ana := f.person("ana", store.Operator)
		f.session(ana, "old", "")
		f.must(f.db.AddPersonLink(f.ctx, ana.Email, "old link", "ops", time.Hour))
		rules := store.Throttle{OfAccount: 5, FromAddress: 5, First: time.Minute, Longest: time.Hour, Forgotten: time.Hour, Known: 90 * 24 * time.Hour}
		_, err := f.db.TryToSignIn(f.ctx, store.Attempt{Account: "ana", Address: "there", Pair: "p"}, rules)
		f.must(err)
		f.must(f.db.SignedIn(f.ctx, store.Attempt{Account: "known", Address: "none", Pair: "known pair"}, rules))
		f.clock.Move(31 * 24 * time.Hour)
		f.session(ana, "new", "")
		f.must(f.db.AddPersonLink(f.ctx, ana.Email, "new link", "ops", time.Hour))
		before := f.clock.Now().Add(-30 * 24 * time.Hour)
		// The unused link was replaced; of three attempts the known pair stays.
		for what, want := range map[store.OldThing]int{store.OldSessions: 1, store.OldLinks: 0, store.OldAttempts: 2} {
			if n, next, err := f.db.DeleteOld(f.ctx, what, before, 0, 10); err != nil || n != want || next != 0 {
				t.Errorf("%d %s went, want %d; next %d, %v", n, what, want, next, err)
			}
		}
		f.ended("new", store.NotEnded)
		if _, err := f.db.FindLink(f.ctx, "new link"); err != nil {
			t.Error(err)
		}
		f.clock.Move(32 * 24 * time.Hour)
		if n, _, err := f.db.DeleteOld(f.ctx, store.OldLinks, f.clock.Now().Add(-30*24*time.Hour), 0, 10); err != nil || n != 1 {
			t.Errorf("%d links went, %v", n, err)
		}
	},
}
