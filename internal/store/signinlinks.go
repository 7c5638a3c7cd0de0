package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
)

// SignInLink lets a person in once, without a password. Its text is not stored.
type SignInLink struct {
	// Person is who it is for; ID 0 is the first person, who is not known yet.
	Person Person
	Until  time.Time
}

// First reports whether it makes the first person.
func (l SignInLink) First() bool { return l.Person.ID == 0 }

// ErrLinkOver means that a link is unknown, was used, or is too old.
var ErrLinkOver = errors.New("the link is unknown, was used already, or is too old")

// AddFirstLink stores the hash of a link that makes the first person. It reports
// whether it did: once there is a person, there is no such link.
func (db *DB) AddFirstLink(ctx context.Context, hash string, lasts time.Duration) (made bool, err error) {
	err = db.update(ctx, func(t *tx) error {
		n, err := t.exec("insert into sign_in_links (hash, kind, made_at, made_by, until_at) select $1, 'first', $2, $4, $3 where not exists (select 1 from persons)",
			hash, ms(t.now), ms(t.now.Add(lasts)), itself)
		made = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("make the link for the first person: %w", err)
	}
	return made, nil
}

// AddPersonLink stores the hash of a link for a person, in place of those that were
// not used. ErrNotFound means that there is no such person.
func (db *DB) AddPersonLink(ctx context.Context, email, hash, by string, lasts time.Duration) error {
	err := db.update(ctx, func(t *tx) error {
		p, err := t.person("p.email = $1", email)
		if err != nil {
			return err
		}
		if _, err := t.exec("delete from sign_in_links where kind = 'person' and used_at = 0 and person = $1", p.ID); err != nil {
			return err
		}
		if _, err := t.exec("insert into sign_in_links (hash, kind, person, made_at, made_by, until_at) values ($1, 'person', $2, $3, $4, $5)",
			hash, p.ID, ms(t.now), by, ms(t.now.Add(lasts))); err != nil {
			return err
		}
		return t.record(ctx, Activity{Who: by, Act: aboutPerson(reason.ActPersonLink, p)})
	})
	if err != nil {
		return fmt.Errorf("make a link for %s: %w", email, err)
	}
	return nil
}

// FindLink returns a link that can be used, or ErrLinkOver.
func (db *DB) FindLink(ctx context.Context, hash string) (SignInLink, error) {
	now, err := db.Now(ctx)
	var found []SignInLink
	err = errors.Join(err, db.view(ctx, func(s scanner) error {
		l, err := scanSignInLink(s)
		found = append(found, l)
		return err
	}, usableLink, hash, ms(now)))
	if err == nil && len(found) == 0 {
		err = ErrLinkOver
	}
	if err != nil {
		return SignInLink{}, fmt.Errorf("look for a link: %w", err)
	}
	if !found[0].First() {
		people, err := db.persons(ctx, " where p.id = $1", found[0].Person.ID)
		if err != nil || len(people) == 0 {
			return SignInLink{}, errors.Join(err, ErrLinkOver)
		}
		found[0].Person = people[0]
	}
	return found[0], nil
}

// usableLink finds a link that can be used now: $1 is its hash, $2 now.
const usableLink = `select person, until_at from sign_in_links
where hash = $1 and used_at = 0 and until_at > $2 and (kind = 'person' or not exists (select 1 from persons))`

func scanSignInLink(s scanner) (SignInLink, error) {
	var l SignInLink
	var until int64
	err := s.Scan(&l.Person.ID, &until)
	l.Until = at(until)
	return l, err
}

// Redemption is what a person does with a link.
type Redemption struct {
	Link     string // its hash
	Name     string // of the first person, as is Email
	Email    string
	Password string // the hash; "" keeps the one there is
	Session  string // the hash of the token of the session that begins
	Device   string
	Before   string // the hash of the session that the browser had, "" for none
}

// Redeem uses a link, once: it makes the first person, or gives one who is known a
// password, and begins a session. ErrLinkOver changes nothing.
func (db *DB) Redeem(ctx context.Context, r Redemption) (p Person, err error) {
	err = db.update(ctx, func(t *tx) error {
		if t.db.lock != "" {
			// Two links for the first person make one.
			if _, err := t.exec("lock table persons in share row exclusive mode"); err != nil {
				return err
			}
		}
		var link *SignInLink
		err := t.query(func(s scanner) error {
			l, err := scanSignInLink(s)
			link = &l
			return err
		}, usableLink, r.Link, ms(t.now))
		if err != nil {
			return err
		}
		if link == nil {
			return ErrLinkOver
		}
		if p, err = t.letIn(ctx, *link, r); err != nil {
			return err
		}
		if _, err := t.exec("update sign_in_links set used_at = $2 where hash = $1", r.Link, ms(t.now)); err != nil {
			return err
		}
		return t.beginSession(p.ID, r.Session, r.Device, r.Before)
	})
	if err != nil {
		return Person{}, fmt.Errorf("use a link: %w", err)
	}
	return p, nil
}

// letIn makes or finds the person of a link.
func (t *tx) letIn(ctx context.Context, link SignInLink, r Redemption) (p Person, err error) {
	if link.First() {
		if p, err = t.addPerson(Person{Name: r.Name, Email: r.Email, Role: Admin, CreatedBy: r.Email}, r.Password, ""); err != nil {
			return p, err
		}
		return p, t.record(ctx, Activity{Who: p.Who(), Way: ByPage, Act: aboutPerson(reason.ActFirstPerson, p)})
	}
	p, err = t.person("p.id = $1", link.Person.ID)
	if errors.Is(err, ErrNotFound) {
		err = ErrLinkOver
	}
	if err != nil || r.Password == "" {
		return p, err
	}
	if err := t.setPassword(p.ID, r.Password, ""); err != nil {
		return p, err
	}
	return p, t.record(ctx, Activity{Who: p.Who(), Way: ByPage, Act: reason.Reason{Code: reason.ActPasswordChosen}})
}
