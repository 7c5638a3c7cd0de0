package store

import (
	"context"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
)

// Ending is why a session is over.
type Ending string

// The endings that are stored. The others follow from the times.
const (
	NotEnded         Ending = ""
	EndedBySignOut   Ending = "signed_out"
	EndedEverywhere  Ending = "everywhere" // the person, or an admin, ended all
	EndedByRole      Ending = "role"       // the person got another role
	EndedByPassword  Ending = "password"   // the person chose another password
	EndedByRemoval   Ending = "removed"    // the person may not use the pages any longer
	EndedByIdleness  Ending = "idle"
	EndedByLongevity Ending = "longest"
)

// Session is one browser that is signed in, without the token that it has.
type Session struct {
	Person  Person
	Device  string
	BeganAt time.Time
	SeenAt  time.Time // to the minute
	Ended   Ending
}

// seenNoted is how far apart the notes of a session's use are.
const seenNoted = time.Minute

// BeginSession stores a session of a person under the hash of its token and ends the
// one that the browser had before, "" for none. ErrNotFound means that the person
// was removed.
func (db *DB) BeginSession(ctx context.Context, person int64, hash, device, before string) error {
	err := db.update(ctx, func(t *tx) error { return t.beginSession(person, hash, device, before) })
	if err != nil {
		return fmt.Errorf("begin a session: %w", err)
	}
	return nil
}

func (t *tx) beginSession(person int64, hash, device, before string) error {
	n, err := t.exec("insert into sessions (hash, person, device, began_at, seen_at) select $1, id, $3, $4, $4 from persons where id = $2", hash, person, device, ms(t.now))
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err == nil {
		_, err = t.exec("update persons set last_seen_at = $2 where id = $1", person, ms(t.now))
	}
	if err == nil && before != "" {
		_, err = t.exec("update sessions set ended_at = $2, ended_why = $3 where hash = $1 and ended_at = 0", before, ms(t.now), string(EndedBySignOut))
	}
	return err
}

// Session returns the session whose token has this hash. Ended says why it is over: nothing
// may be done with it then. ErrNotFound means that there is none.
func (db *DB) Session(ctx context.Context, hash string, idle, longest time.Duration) (Session, error) {
	found, _, err := db.session(ctx, hash, idle, longest)
	return found, err
}

func (db *DB) session(ctx context.Context, hash string, idle, longest time.Duration) (found Session, now time.Time, err error) {
	there := false
	err = db.view(ctx, func(s scanner) error {
		there = true
		var began, seen int64
		err := s.Scan(&found.Person.ID, &found.Device, &began, &seen, &found.Ended)
		found.BeganAt, found.SeenAt = at(began), at(seen)
		return err
	}, "select person, device, began_at, seen_at, ended_why from sessions where hash = $1", hash)
	if err == nil && !there {
		err = ErrNotFound
	}
	if err != nil {
		return Session{}, now, fmt.Errorf("look for a session: %w", err)
	}
	people, err := db.persons(ctx, " where p.id = $1", found.Person.ID)
	if err != nil {
		return Session{}, now, fmt.Errorf("look for a session: %w", err)
	}
	if now, err = db.Now(ctx); err != nil {
		return Session{}, now, err
	}
	switch {
	case found.Ended != NotEnded:
	case len(people) == 0:
		found.Ended = EndedByRemoval
	case now.Sub(found.BeganAt) >= longest:
		found.Ended = EndedByLongevity
	case now.Sub(found.SeenAt) >= idle:
		found.Ended = EndedByIdleness
	}
	if found.Ended == NotEnded {
		found.Person = people[0]
	}
	return found, now, nil
}

// UseSession is Session for a person who is there, and notes that at most once a minute.
func (db *DB) UseSession(ctx context.Context, hash string, idle, longest time.Duration) (Session, error) {
	found, now, err := db.session(ctx, hash, idle, longest)
	if err != nil || found.Ended != NotEnded || now.Sub(found.SeenAt) < seenNoted {
		return found, err
	}
	err = db.update(ctx, func(t *tx) error {
		n, err := t.exec("update sessions set seen_at = $2 where hash = $1 and seen_at < $2 and ended_at = 0", hash, ms(t.now))
		if err == nil && n > 0 {
			_, err = t.exec("update persons set last_seen_at = $2 where id = $1 and last_seen_at < $2", found.Person.ID, ms(t.now))
		}
		return err
	})
	if err != nil {
		return Session{}, fmt.Errorf("note that %s is here: %w", found.Person.Email, err)
	}
	return found, nil
}

// EndSession ends a session; one that is over, or was never there, stays so.
func (db *DB) EndSession(ctx context.Context, hash string) error {
	err := db.update(ctx, func(t *tx) error {
		_, err := t.exec("update sessions set ended_at = $2, ended_why = $3 where hash = $1 and ended_at = 0", hash, ms(t.now), string(EndedBySignOut))
		return err
	})
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

// EndSessions ends all sessions of a person and returns how many there were, those
// included that had run out. ErrNotFound means that there is no such person.
func (db *DB) EndSessions(ctx context.Context, email, by string) (n int, err error) {
	err = db.update(ctx, func(t *tx) error {
		p, err := t.person("p.email = $1", email)
		if err != nil {
			return err
		}
		if err := t.query(func(s scanner) error { return s.Scan(&n) }, "select count(*) from sessions where person = $1 and ended_at = 0", p.ID); err != nil {
			return err
		}
		if err := t.endSessions(p.ID, EndedEverywhere, ""); err != nil {
			return err
		}
		return t.record(ctx, Activity{Who: by, Act: aboutPerson(reason.ActPersonSignedOut, p)})
	})
	if err != nil {
		return 0, fmt.Errorf("sign %s out: %w", email, err)
	}
	return n, nil
}

// endSessions ends the sessions of a person but for one.
func (t *tx) endSessions(person int64, why Ending, but string) error {
	_, err := t.exec("update sessions set ended_at = $2, ended_why = $3 where person = $1 and ended_at = 0 and hash <> $4", person, ms(t.now), string(why), but)
	return err
}
