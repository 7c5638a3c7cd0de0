package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/trueup-sync/trueup/internal/reason"
)

// Vouched is a person whom the identity provider sends.
type Vouched struct {
	// Subject is which one it is, for as long as it lasts: the issuer, and its id of
	// the person. An address is not that: it may be given to somebody else.
	Subject  string
	Provider string // its name, for histories
	Name     string // counts at the first arrival, as does Email
	Email    string
	Role     Role // by the groups there are now
	// Join lets the arrival be a person who has the address already.
	Join    bool
	Session string // the hash of the token of the session that begins
	Device  string
	Before  string // the hash of the session that the browser had, "" for none
}

// ErrNoAdmin means that nobody could give a role, were this the first person.
var ErrNoAdmin = errors.New("there is no admin yet")

// Arrive lets a person in whom the identity provider sends, and gives the role of this
// moment: sessions with another one end. ErrKnown (somebody else has the address),
// ErrNoAdmin and ErrLastAdmin change nothing.
func (db *DB) Arrive(ctx context.Context, a Vouched) (p Person, err error) {
	err = db.update(ctx, func(t *tx) error {
		if t.db.lock != "" {
			// Two arrivals of one new person make one.
			if _, err := t.exec("lock table persons in share row exclusive mode"); err != nil {
				return err
			}
		}
		p, err = t.person("p.subject = $1", a.Subject)
		if errors.Is(err, ErrNotFound) {
			p, err = t.arriveFirst(ctx, a)
		}
		if err == nil {
			p, err = t.roleByGroups(ctx, p, a)
		}
		if err != nil {
			return err
		}
		return t.beginSession(p.ID, a.Session, a.Device, a.Before)
	})
	if err != nil {
		return Person{}, fmt.Errorf("let a person in: %w", err)
	}
	return p, nil
}

// arriveFirst makes or finds the person of a subject that was never here.
func (t *tx) arriveFirst(ctx context.Context, a Vouched) (Person, error) {
	p, err := t.person("p.email = $1", a.Email)
	switch {
	case err == nil && (!a.Join || p.Provided):
		return p, ErrKnown
	case err == nil:
		if _, err := t.exec("update persons set subject = $2, password = '' where id = $1", p.ID, a.Subject); err != nil {
			return p, err
		}
		p.HasPassword, p.Provided = false, true
		if err := t.endSessions(p.ID, EndedByPassword, ""); err != nil {
			return p, err
		}
		if _, err := t.exec("delete from sign_in_links where kind = 'person' and used_at = 0 and person = $1", p.ID); err != nil {
			return p, err
		}
		return p, t.recordArrival(ctx, reason.ActPersonJoined, p, a, "")
	case !errors.Is(err, ErrNotFound):
		return p, err
	}
	if a.Role != Admin {
		admins := 0
		if err := t.query(func(s scanner) error { return s.Scan(&admins) }, "select count(*) from persons where role = 'admin'"); err != nil {
			return p, err
		}
		if admins == 0 {
			return p, ErrNoAdmin
		}
	}
	if p, err = t.addPerson(Person{Name: a.Name, Email: a.Email, Role: a.Role, CreatedBy: a.Email}, "", a.Subject); err != nil {
		return p, err
	}
	return p, t.recordArrival(ctx, reason.ActPersonArrived, p, a, "")
}

// roleByGroups gives a person the role that the groups give now.
func (t *tx) roleByGroups(ctx context.Context, p Person, a Vouched) (Person, error) {
	was := p.Role
	if was == a.Role {
		return p, nil
	}
	p, last, err := t.personToChange(p.Email)
	if err != nil {
		return p, err
	}
	if last {
		return p, ErrLastAdmin
	}
	if _, err := t.exec("update persons set role = $2 where id = $1", p.ID, string(a.Role)); err != nil {
		return p, err
	}
	p.Role = a.Role
	if err := t.endSessions(p.ID, EndedByRole, ""); err != nil {
		return p, err
	}
	return p, t.recordArrival(ctx, reason.ActRoleByGroups, p, a, was)
}

func (t *tx) recordArrival(ctx context.Context, code reason.Code, p Person, a Vouched, was Role) error {
	act := aboutPerson(code, p)
	act.Facts.Key, act.Facts.Found = a.Provider, string(was)
	return t.record(ctx, Activity{Who: p.Who(), Way: ByPage, Act: act})
}

// TurnAway ends the sessions of the person of a subject, if there is one: the identity
// provider no longer gives the role that they have.
func (db *DB) TurnAway(ctx context.Context, subject, provider string) error {
	err := db.update(ctx, func(t *tx) error {
		p, err := t.person("p.subject = $1", subject)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		open := 0
		if err == nil {
			err = t.query(func(s scanner) error { return s.Scan(&open) }, "select count(*) from sessions where person = $1 and ended_at = 0", p.ID)
		}
		if err != nil || open == 0 {
			return err
		}
		if err := t.endSessions(p.ID, EndedByRole, ""); err != nil {
			return err
		}
		return t.recordArrival(ctx, reason.ActNoGroup, p, Vouched{Provider: provider}, "")
	})
	if err != nil {
		return fmt.Errorf("turn a person away: %w", err)
	}
	return nil
}
