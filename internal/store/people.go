package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
)

// Person is somebody who may use the pages, without the password.
type Person struct {
	ID          int64
	Name        string
	Email       string // in lower case
	Role        Role
	HasPassword bool
	// Provided means that the person has signed in with the identity provider, which
	// gives the role.
	Provided   bool
	CreatedAt  time.Time
	CreatedBy  string
	LastSeenAt time.Time // to the minute; zero is never
}

// Who is what histories call the person.
func (p Person) Who() string { return p.Email }

// Why people cannot be changed so.
var (
	// ErrKnown means that there is a person with this address.
	ErrKnown = errors.New("there is a person with this address already")
	// ErrLastAdmin means that nobody would be left who may give a role.
	ErrLastAdmin = errors.New("this is the only admin")
)

const personColumns = "p.id, p.name, p.email, p.role, case when p.password = '' then 0 else 1 end, case when p.subject = '' then 0 else 1 end, p.created_at, p.created_by, p.last_seen_at"

// personFields are where personColumns are read into; done completes the person.
func personFields(p *Person) (into []any, done func()) {
	var password, subject int
	var created, seen int64
	return []any{&p.ID, &p.Name, &p.Email, &p.Role, &password, &subject, &created, &p.CreatedBy, &seen}, func() {
		p.HasPassword, p.Provided, p.CreatedAt, p.LastSeenAt = password == 1, subject == 1, at(created), at(seen)
	}
}

func scanPerson(s scanner) (Person, error) {
	var p Person
	into, done := personFields(&p)
	err := s.Scan(into...)
	done()
	return p, err
}

// AddPerson stores a person who has no password yet. ErrKnown changes nothing.
func (db *DB) AddPerson(ctx context.Context, p Person) (Person, error) {
	err := db.update(ctx, func(t *tx) (err error) {
		if p, err = t.addPerson(p, "", ""); err != nil {
			return err
		}
		return t.record(ctx, Activity{Who: p.CreatedBy, Act: aboutPerson(reason.ActPersonAdded, p)})
	})
	if err != nil {
		return Person{}, fmt.Errorf("add %s: %w", p.Email, err)
	}
	return p, nil
}

func (t *tx) addPerson(p Person, password, subject string) (Person, error) {
	p.CreatedAt, p.HasPassword, p.Provided = t.now, password != "", subject != ""
	found := false
	err := t.query(func(s scanner) error {
		found = true
		return s.Scan(&p.ID)
	}, "insert into persons (name, email, role, password, subject, created_at, created_by) values ($1, $2, $3, $4, $5, $6, $7) on conflict (email) do nothing returning id",
		p.Name, p.Email, string(p.Role), password, subject, ms(t.now), p.CreatedBy)
	if err == nil && !found {
		err = ErrKnown
	}
	return p, err
}

// People returns up to limit people by address, those after one; limit 0 is all.
func (db *DB) People(ctx context.Context, after string, limit int) ([]Person, error) {
	if limit <= 0 {
		limit = 1 << 30
	}
	found, err := db.persons(ctx, " where p.email > $1 order by p.email limit $2", after, limit)
	if err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	return found, nil
}

// Admins returns up to limit people who may give a role, by address.
func (db *DB) Admins(ctx context.Context, limit int) ([]Person, error) {
	found, err := db.persons(ctx, " where p.role = 'admin' order by p.email limit $1", limit)
	if err != nil {
		return nil, fmt.Errorf("list admins: %w", err)
	}
	return found, nil
}

// Person returns the person with an id, or ErrNotFound.
func (db *DB) Person(ctx context.Context, id int64) (Person, error) {
	found, err := db.persons(ctx, " where p.id = $1", id)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Person{}, fmt.Errorf("look for a person: %w", err)
	}
	return found[0], nil
}

// PersonByEmail returns the person with an address, or ErrNotFound.
func (db *DB) PersonByEmail(ctx context.Context, email string) (Person, error) {
	found, err := db.persons(ctx, " where p.email = $1", email)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Person{}, fmt.Errorf("look for %s: %w", email, err)
	}
	return found[0], nil
}

func (db *DB) persons(ctx context.Context, which string, args ...any) ([]Person, error) {
	var found []Person
	err := db.view(ctx, func(s scanner) error {
		p, err := scanPerson(s)
		found = append(found, p)
		return err
	}, "select "+personColumns+" from persons p"+which, args...)
	return found, err
}

// PersonNames returns the names of the people with these addresses, by address.
func (db *DB) PersonNames(ctx context.Context, emails []string) (map[string]string, error) {
	found := map[string]string{}
	const some = 200 // a statement takes only so many values
	for chunk := range slices.Chunk(emails, some) {
		places, args := make([]string, len(chunk)), make([]any, len(chunk))
		for i, email := range chunk {
			places[i], args[i] = fmt.Sprintf("$%d", i+1), email
		}
		err := db.view(ctx, func(s scanner) error {
			var email, name string
			err := s.Scan(&email, &name)
			found[email] = name
			return err
		}, "select email, name from persons where email in ("+strings.Join(places, ", ")+")", args...)
		if err != nil {
			return nil, fmt.Errorf("look for people's names: %w", err)
		}
	}
	return found, nil
}

// HasPeople reports whether there is any person.
func (db *DB) HasPeople(ctx context.Context) (some bool, err error) {
	err = db.view(ctx, func(s scanner) error { some = true; return nil }, "select 1 from (select id from persons limit 1) p")
	if err != nil {
		err = fmt.Errorf("look for people: %w", err)
	}
	return some, err
}

// Password returns a person's hash, "" when there is no person with the address or
// the person has no password.
func (db *DB) Password(ctx context.Context, email string) (hash string, err error) {
	err = db.view(ctx, func(s scanner) error { return s.Scan(&hash) }, "select password from persons where email = $1", email)
	if err != nil {
		err = fmt.Errorf("read a password: %w", err)
	}
	return hash, err
}

// SetPassword replaces a person's password and ends all sessions but one, "" for
// none.
func (db *DB) SetPassword(ctx context.Context, id int64, password, but string) error {
	err := db.update(ctx, func(t *tx) error {
		if err := t.setPassword(id, password, but); err != nil {
			return err
		}
		return t.record(ctx, Activity{Act: reason.Reason{Code: reason.ActPasswordChosen}})
	})
	if err != nil {
		return fmt.Errorf("set a password: %w", err)
	}
	return nil
}

func (t *tx) setPassword(id int64, password, but string) error {
	n, err := t.exec("update persons set password = $2 where id = $1", id, password)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err == nil {
		err = t.endSessions(id, EndedByPassword, but)
	}
	return err
}

// SetPersonRole gives a person another role and ends the sessions that had the one
// before, which it returns. ErrLastAdmin and ErrNotFound change nothing.
func (db *DB) SetPersonRole(ctx context.Context, email string, role Role, by string) (was Role, err error) {
	err = db.update(ctx, func(t *tx) error {
		p, last, err := t.personToChange(email)
		was = p.Role
		if err != nil || was == role {
			return err
		}
		if last && role != Admin {
			return ErrLastAdmin
		}
		return t.giveRole(ctx, p, role, by)
	})
	if err != nil {
		return "", fmt.Errorf("give %s the role %s: %w", email, role, err)
	}
	return was, nil
}

func (t *tx) giveRole(ctx context.Context, p Person, role Role, by string) error {
	if _, err := t.exec("update persons set role = $2 where id = $1", p.ID, string(role)); err != nil {
		return err
	}
	if err := t.endSessions(p.ID, EndedByRole, ""); err != nil {
		return err
	}
	was := p.Role
	p.Role = role
	act := aboutPerson(reason.ActPersonRole, p)
	act.Facts.Found = string(was)
	return t.record(ctx, Activity{Who: by, Act: act})
}

// RoleChange gives a person another role than Was, the one that was shown.
type RoleChange struct {
	Email     string
	Was, Role Role
}

// RoleChangedError means that a person has another role than the one that was shown.
type RoleChangedError struct {
	Person
	Was Role
}

func (e *RoleChangedError) Error() string {
	return fmt.Sprintf("the role of %s is %s and no longer %s", e.Email, e.Role, e.Was)
}

// SetPersonRoles gives several people other roles. ErrLastAdmin, ErrNotFound and a
// *RoleChangedError change nothing.
func (db *DB) SetPersonRoles(ctx context.Context, all []RoleChange, by string) error {
	err := db.update(ctx, func(t *tx) error {
		admins, err := t.admins()
		if err != nil {
			return err
		}
		people := make([]Person, len(all)) // all are looked at before one is changed
		for i, c := range all {
			p, err := t.person("p.email = $1", c.Email)
			switch {
			case err != nil:
				return err
			case p.Role != c.Was:
				return &RoleChangedError{p, c.Was}
			}
			people[i] = p
			if delete(admins, p.ID); c.Role == Admin {
				admins[p.ID] = true
			}
		}
		if len(admins) == 0 {
			return ErrLastAdmin
		}
		for i, c := range all {
			if err := t.giveRole(ctx, people[i], c.Role, by); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("give roles: %w", err)
	}
	return nil
}

// RemovePerson removes a person with the sessions and links. What the person did
// stays under the address. ErrLastAdmin and ErrNotFound change nothing.
func (db *DB) RemovePerson(ctx context.Context, email, by string) (Person, error) {
	var p Person
	err := db.update(ctx, func(t *tx) error {
		var last bool
		var err error
		if p, last, err = t.personToChange(email); err != nil {
			return err
		}
		if last {
			return ErrLastAdmin
		}
		if err := t.endSessions(p.ID, EndedByRemoval, ""); err != nil {
			return err
		}
		if _, err := t.exec("delete from sign_in_links where kind = 'person' and person = $1", p.ID); err != nil {
			return err
		}
		if _, err = t.exec("delete from persons where id = $1", p.ID); err != nil {
			return err
		}
		return t.record(ctx, Activity{Who: by, Act: aboutPerson(reason.ActPersonRemoved, p)})
	})
	if err != nil {
		return Person{}, fmt.Errorf("remove %s: %w", email, err)
	}
	return p, nil
}

// personToChange returns a person, and whether there is no other admin.
func (t *tx) personToChange(email string) (p Person, last bool, err error) {
	admins, err := t.admins()
	if err == nil {
		p, err = t.person("p.email = $1", email)
	}
	return p, len(admins) == 1 && admins[p.ID], err
}

// admins returns the ids of those who may give a role. It locks all people first, and reads
// afterwards: a role that another node gives at the same time is known, and two admins cannot take
// each other's role at once.
func (t *tx) admins() (map[int64]bool, error) {
	if t.db.lock != "" {
		if _, err := t.exec("select 1 from persons order by id for update"); err != nil {
			return nil, err
		}
	}
	ids := map[int64]bool{}
	err := t.query(func(s scanner) error {
		var id int64
		err := s.Scan(&id)
		ids[id] = true
		return err
	}, "select id from persons where role = 'admin'")
	return ids, err
}

// person returns the person that a condition finds, or ErrNotFound.
func (t *tx) person(which string, args ...any) (p Person, err error) {
	found := false
	err = t.query(func(s scanner) error {
		found = true
		p, err = scanPerson(s)
		return err
	}, "select "+personColumns+" from persons p where "+which, args...)
	if err == nil && !found {
		err = ErrNotFound
	}
	return p, err
}

// aboutPerson is an act that was done to a person. It names no address: everyone who
// signs in reads what was done.
func aboutPerson(code reason.Code, p Person) reason.Reason {
	return reason.Reason{Code: code, Facts: reason.Facts{Detail: p.Name, Rule: string(p.Role)}}
}
