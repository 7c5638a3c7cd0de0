package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Throttle is how failed attempts to sign in delay the next ones. The delay doubles
// with each failure, up to Longest: nobody is locked out.
type Throttle struct {
	OfAccount   int           // how many attempts an account has before a delay
	FromAddress int           // how many an address has
	First       time.Duration // the first delay
	Longest     time.Duration
	Forgotten   time.Duration // after how long without an attempt its failures count no more
	Known       time.Duration // how long an address is known from which the person signed in
}

// delay is how long the next attempt has to wait after so many failures.
func (r Throttle) delay(failed, free int) time.Duration {
	if failed < free {
		return 0
	}
	return min(r.First<<min(failed-free, 20), r.Longest)
}

// Attempt is who tries to sign in: hashes of the account, of the address, and of
// both.
type Attempt struct{ Account, Address, Pair string }

// Tried is what an attempt came to.
type Tried struct {
	// Wait is how long to wait: this attempt is none.
	Wait time.Duration
	// Failed is how many attempts have failed if this one does, and Free how many
	// there are before a delay.
	Failed, Free int
	// Next is how long the attempt after that has to wait.
	Next time.Duration
}

// The kinds of what attempts are counted of.
const (
	ofAccount   = "account"
	fromAddress = "address"
	ofPair      = "pair"
)

// TryToSignIn counts an attempt as failed before the password is compared, so that
// many at once cannot pass. From an address that the person signed in from before,
// only the failures from there count: nobody else can lock the person out.
func (db *DB) TryToSignIn(ctx context.Context, a Attempt, r Throttle) (tried Tried, err error) {
	err = db.update(ctx, func(t *tx) error {
		tried = Tried{}
		counted := []struct {
			kind, hash string
			free       int
		}{{ofAccount, a.Account, r.OfAccount}, {fromAddress, a.Address, r.FromAddress}}
		known, err := t.knownPair(a.Pair)
		if err != nil {
			return err
		}
		if known {
			counted[0].kind, counted[0].hash = ofPair, a.Pair
		}
		for _, c := range counted {
			if tried.Wait, err = t.waits(c.kind, c.hash, tried.Wait); err != nil {
				return err
			}
		}
		for i, c := range counted {
			if tried.Wait > 0 {
				return nil
			}
			failed, err := t.countAttempt(c.kind, c.hash, c.free, r)
			if err == nil && failed == 0 { // another one was counted in this moment
				tried.Wait, err = t.waits(c.kind, c.hash, tried.Wait)
			}
			if err != nil {
				return err
			}
			if i == 0 {
				tried.Failed, tried.Free = failed, c.free
			}
			tried.Next = max(tried.Next, r.delay(failed, c.free))
		}
		return nil
	})
	if err != nil {
		return Tried{}, fmt.Errorf("count an attempt to sign in: %w", err)
	}
	return tried, nil
}

func (t *tx) knownPair(pair string) (known bool, err error) {
	err = t.query(func(s scanner) error { known = true; return nil },
		"select 1 from sign_in_attempts where kind = 'pair' and hash = $1 and known_until > $2", pair, ms(t.now))
	return known, err
}

// waits is how long something has to wait, or longer.
func (t *tx) waits(kind, hash string, or time.Duration) (wait time.Duration, err error) {
	wait = or
	err = t.query(func(s scanner) error {
		var free int64
		err := s.Scan(&free)
		wait = max(wait, at(free).Sub(t.now))
		return err
	}, "select free_at from sign_in_attempts where kind = $1 and hash = $2 and free_at > $3", kind, hash, ms(t.now))
	return wait, err
}

// countAttempt returns how many have failed with this one, 0 when it has to wait.
func (t *tx) countAttempt(kind, hash string, free int, r Throttle) (failed int, err error) {
	err = t.query(func(s scanner) error { return s.Scan(&failed) }, `
insert into sign_in_attempts (kind, hash, failed, last_at) values ($1, $2, 1, $3)
on conflict (kind, hash) do update set failed = case when sign_in_attempts.last_at < $4 then 1 else sign_in_attempts.failed + 1 end, last_at = $3
where sign_in_attempts.free_at <= $3 returning failed`,
		kind, hash, ms(t.now), ms(t.now.Add(-r.Forgotten)))
	if err != nil || failed == 0 {
		return 0, err
	}
	until := int64(0)
	if delay := r.delay(failed, free); delay > 0 {
		until = ms(t.now.Add(delay))
	}
	_, err = t.exec("update sign_in_attempts set free_at = $3 where kind = $1 and hash = $2", kind, hash, until)
	return failed, err
}

// SignedIn takes back what TryToSignIn has counted: the password was right. The
// failures from the address stay, or one good account would hide attempts on others.
func (db *DB) SignedIn(ctx context.Context, a Attempt, r Throttle) error {
	err := db.update(ctx, func(t *tx) error {
		known, err := t.knownPair(a.Pair)
		if err != nil {
			return err
		}
		if !known {
			_, err = t.exec("delete from sign_in_attempts where kind = 'account' and hash = $1", a.Account)
		}
		_, more := t.exec("update sign_in_attempts set failed = failed - 1, free_at = 0 where kind = 'address' and hash = $1 and failed > 0", a.Address)
		_, pair := t.exec(`insert into sign_in_attempts (kind, hash, failed, last_at, known_until) values ('pair', $1, 0, $2, $3)
on conflict (kind, hash) do update set failed = 0, last_at = $2, free_at = 0, known_until = $3`, a.Pair, ms(t.now), ms(t.now.Add(r.Known)))
		return errors.Join(err, more, pair)
	})
	if err != nil {
		return fmt.Errorf("note a sign-in: %w", err)
	}
	return nil
}
