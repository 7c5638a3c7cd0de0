package sim

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// databaseSteps are what the database does.
var databaseSteps = map[string]happens{
	"database busy":           {weight: 4, run: armSome, draw: aboutDatabase},
	"database full":           {weight: 3, run: armSome, draw: aboutDatabase},
	"database commit unknown": {weight: 6, run: armSome, draw: aboutDatabase},
}

func aboutDatabase(r *rand.Rand, _ setting, s *Step) {
	s.Op, s.Value = one(r, "claim", "receive", "link", "intent", "settle", "pause", "cursor"), one(r, "", "", "twice")
}

// port is a node's way to the store: where its process can end, and where the
// database fails.
type port struct{ *node }

// do runs one transaction. What it did stays when the node ends on the way
// back.
func (p *port) do(op string, transaction func(*task) error) error {
	w, t := p.world, p.world.current
	if !t.pass("before "+op, 1+w.rng.Int64N(4)) {
		return errDead
	}
	fault, broken := w.take(op, "")
	if broken {
		w.coverage.hit("fault", fault.Kind)
		w.note(fault.Kind, t.customer(), op, 0)
	}
	switch fault.Kind {
	case "database busy":
		return errors.New("the database is locked")
	case "database full":
		return errors.New("the disk is full")
	}
	err := transaction(t)
	if !t.pass("after "+op, 1+w.rng.Int64N(4)) {
		return errDead
	}
	if err == nil && broken {
		return errors.New("commit: the connection was cut")
	}
	return err
}

// Receive implements inbox.Store.
func (p *port) Receive(ctx context.Context, events []store.NewEvent) (arrived []store.Arrival, err error) {
	err = p.do("receive", func(*task) error {
		arrived, err = p.world.db.Receive(ctx, events)
		if err == nil {
			for i, e := range events {
				p.world.received(e, arrived[i] == store.Fresh)
				if arrived[i] == store.Fresh {
					p.world.facts.modes.accepted(e, p.world.now)
				}
				p.world.facts.policy.hears(e, p.world.now)
				p.world.came(e, arrived[i])
			}
			p.world.turns()
		}
		return err
	})
	return arrived, err
}

// Claim implements pipeline.Store.
func (p *port) Claim(ctx context.Context, sync string, limit int, lease time.Duration) (works []store.Work, err error) {
	err = p.do("claim", func(t *task) error {
		waiting := p.world.claimable()
		p.world.turns()
		p.world.db.ClaimAs(p.process)
		works, err = p.world.db.Claim(ctx, sync, limit, lease)
		for i := range works {
			t.work, t.process = &works[i], p.process
			p.world.note("claimed", works[i].Customer, "", works[i].Fence)
			for _, x := range watches {
				if x.claimed != nil {
					x.claimed(p.world, &works[i], waiting)
				}
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return works, nil
}

// SaveLink implements pipeline.Store.
func (p *port) SaveLink(ctx context.Context, work *store.Work, l store.Link) error {
	return p.do("link", func(t *task) error {
		err := p.world.db.SaveLink(ctx, work, l)
		p.world.note("link", work.Customer, l.TargetID+" "+errorText(err), 0)
		p.held(t, work, "a link", err)
		return err
	})
}

// FollowLink implements pipeline.Store.
func (p *port) FollowLink(ctx context.Context, work *store.Work, from, to string) (l store.Link, err error) {
	err = p.do("link", func(t *task) error {
		l, err = p.world.db.FollowLink(ctx, work, from, to)
		p.world.note("link", work.Customer, to+" "+errorText(err), 0)
		p.held(t, work, "a link", err)
		return err
	})
	return l, err
}

// OtherCustomer implements pipeline.Store.
func (p *port) OtherCustomer(ctx context.Context, sync, customer, key, value string) (string, error) {
	return p.world.db.OtherCustomer(ctx, sync, customer, key, value)
}

// Customers implements pipeline.Store.
func (p *port) Customers(ctx context.Context, sync, named string) ([]store.Customer, error) {
	return p.world.db.Customers(ctx, sync, named)
}

// History implements pipeline.Store.
func (p *port) History(ctx context.Context, sync, customer string, limit int) ([]store.Decision, error) {
	return p.world.db.History(ctx, sync, customer, limit)
}

// BeginWrite implements pipeline.Store.
func (p *port) BeginWrite(ctx context.Context, work *store.Work, i store.Intent, l store.Limits) (stored store.Intent, err error) {
	err = p.do("intent", func(t *task) error {
		stored, err = p.world.db.BeginWrite(ctx, work, i, l)
		if err == nil {
			t.intent, t.intentAt, t.intentID = &stored, p.world.now, stored.ID
		}
		p.held(t, work, "an intent", err)
		if err == nil {
			if p.world.facts.taken[work.Customer].value != i.Value {
				delete(p.world.facts.taken, work.Customer) // the source has changed since
			}
		}
		if halted := (*store.HaltedError)(nil); errors.As(err, &halted) {
			p.world.halted(work.Customer)
		}
		return err
	})
	if err != nil {
		return store.Intent{}, err
	}
	return stored, nil
}

// Settle implements pipeline.Store.
func (p *port) Settle(ctx context.Context, work *store.Work, s store.Settlement) error {
	return p.do("settle", func(t *task) error {
		err := p.world.db.Settle(ctx, work, s)
		p.held(t, work, "a settlement", err)
		p.world.note("settled", work.Customer, string(s.Outcome)+" "+errorText(err)+" "+string(s.Reason.Code), int64(s.Decision.Row))
		if err == nil {
			for _, x := range watches {
				if x.settled != nil {
					x.settled(p.world, t, work, s)
				}
			}
			if t.looked != nil {
				p.world.facts.looked[work.Customer] = *t.looked
			}
			delete(p.world.facts.since, work.Customer)
			p.world.turns()
		}
		return err
	})
}

// GiveBack implements pipeline.Store.
func (p *port) GiveBack(ctx context.Context, work *store.Work) error {
	return p.do("settle", func(*task) error {
		before := p.world.facts.claims[work.Customer]
		if err := p.world.db.GiveBack(ctx, work); err != nil {
			return err
		}
		if before.fence == work.Fence { // nobody has claimed it since
			before.open = false
			p.world.facts.claims[work.Customer] = before
		}
		return nil
	})
}

// held tells the watches that the store took something under a claim.
func (p *port) held(t *task, work *store.Work, what string, err error) {
	if errors.Is(err, store.ErrFenced) {
		p.world.coverage.hit("fault", "zombie")
	}
	if err != nil {
		return
	}
	for _, x := range watches {
		if x.stored != nil {
			x.stored(p.world, t, work, what)
		}
	}
}

func errorText(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, store.ErrFenced):
		return "fenced"
	}
	return "refused"
}

// Rest implements pipeline.Store.
func (p *port) Rest(ctx context.Context, connection string, until time.Time) error {
	return p.do("pause", func(*task) error { return p.world.db.Rest(ctx, connection, until) })
}

// The reading calls of the path: at these a crash is no different from one at
// the transaction before or after.

// RestsUntil implements pipeline.Store.
func (p *port) RestsUntil(ctx context.Context, connection string) (time.Time, error) {
	return p.world.db.RestsUntil(ctx, connection)
}

// Now implements pipeline.Store.
func (p *port) Now(ctx context.Context) (time.Time, error) { return p.world.db.Now(ctx) }

// NextDue implements pipeline.Store.
func (p *port) NextDue(ctx context.Context, sync string) (time.Time, error) {
	return p.world.db.NextDue(ctx, sync)
}

// Event implements pipeline.Store.
func (p *port) Event(ctx context.Context, seq int64) (store.Event, error) {
	return p.world.db.Event(ctx, seq)
}

// Events implements pipeline.Store.
func (p *port) Events(ctx context.Context, f store.EventFilter) ([]store.Event, error) {
	return p.world.db.Events(ctx, f)
}

// TakeTurn implements poll.Store.
func (p *port) TakeTurn(ctx context.Context, turn store.Turn, every, lease time.Duration) (cursor string, fence int64, ok bool, err error) {
	err = p.do("cursor", func(*task) error {
		p.world.db.ClaimAs(p.process)
		cursor, fence, ok, err = p.world.db.TakeTurn(ctx, turn, every, lease)
		return err
	})
	return cursor, fence, ok, err
}

// SavePage implements poll.Store.
func (p *port) SavePage(ctx context.Context, connection string, fence int64, cursor string, done bool, page store.Page) error {
	return p.do("cursor", func(*task) error { return p.world.db.SavePage(ctx, connection, fence, cursor, done, page) })
}

// StopPoll implements poll.Store.
func (p *port) StopPoll(ctx context.Context, connection string, fence int64, by string, wait time.Duration) error {
	return p.do("cursor", func(*task) error { return p.world.db.StopPoll(ctx, connection, fence, by, wait) })
}

// LeaveTurn implements poll.Store.
func (p *port) LeaveTurn(ctx context.Context, turn store.Turn, fence int64) error {
	return p.do("cursor", func(*task) error { return p.world.db.LeaveTurn(ctx, turn, fence) })
}

// ListedAt implements poll.Store.
func (p *port) ListedAt(ctx context.Context, connection string) (time.Time, error) {
	return p.world.db.ListedAt(ctx, connection)
}

// OpenException implements poll.Store.
func (p *port) OpenException(ctx context.Context, x store.NewException) (id int64, err error) {
	if p.world.current.dead {
		return 0, errDead
	}
	return p.world.db.OpenException(ctx, x)
}

// CloseExceptions implements poll.Store.
func (p *port) CloseExceptions(ctx context.Context, sync, customer string, kind status.Kind, lastAction string) (int, error) {
	if p.world.current.dead {
		return 0, errDead
	}
	return p.world.db.CloseExceptions(ctx, sync, customer, kind, lastAction)
}

// claimable are the customers that wait, where the store can tell.
func (w *world) claimable() []string {
	if s, ok := w.db.(interface{ Claimable(sync string) []string }); ok {
		return s.Claimable(w.names.sync)
	}
	return nil
}
