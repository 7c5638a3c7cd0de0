package oracle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// engine is everything that the two databases and the oracle answer.
type engine interface {
	Receive(ctx context.Context, events []store.NewEvent) ([]store.Arrival, error)
	Claim(ctx context.Context, sync string, limit int, lease time.Duration) ([]store.Work, error)
	ClaimOne(ctx context.Context, sync, customer string, plan int64, lease time.Duration) (store.Work, bool, error)
	NextDue(ctx context.Context, sync string) (time.Time, error)
	BeginWrite(ctx context.Context, w *store.Work, i store.Intent, l store.Limits) (store.Intent, error)
	Resume(ctx context.Context, r store.Resume) (store.Resumed, error)
	SetMode(ctx context.Context, sync string, live bool) error
	Accounts(ctx context.Context, sync string) (map[store.Side]store.Account, error)
	NoteAccounts(ctx context.Context, sync string, now []store.Account) ([]store.AccountMoved, error)
	SameAccounts(ctx context.Context, sync, who string, now []store.Account) ([]store.AccountMoved, error)
	RemoveLinks(ctx context.Context, sync, who string, now []store.Account) (int, error)
	Settle(ctx context.Context, w *store.Work, s store.Settlement) error
	SaveLink(ctx context.Context, w *store.Work, l store.Link) error
	ImportLinks(ctx context.Context, sync string, links []store.Link) (int, error)
	RemoveLink(ctx context.Context, sync, customer, who string) error
	FollowLink(ctx context.Context, w *store.Work, from, to string) (store.Link, error)
	LinkHistory(ctx context.Context, sync, customer string, limit int) ([]store.LinkChange, error)
	Act(ctx context.Context, a store.Act) (bool, error)
	Actions(ctx context.Context, exception int64) ([]store.Action, error)
	Groups(ctx context.Context, sync string) ([]store.Group, error)
	OpenException(ctx context.Context, x store.NewException) (int64, error)
	CloseExceptions(ctx context.Context, sync, customer string, kind status.Kind, lastAction string) (int, error)
	Exception(ctx context.Context, id int64) (store.Exception, error)
	Rest(ctx context.Context, connection string, until time.Time) error
	RestsUntil(ctx context.Context, connection string) (time.Time, error)
	Reserve(ctx context.Context, connection string, n, requests int, per time.Duration) (time.Time, time.Time, time.Duration, error)
	TakeTurn(ctx context.Context, turn store.Turn, every, lease time.Duration) (string, int64, bool, error)
	SavePage(ctx context.Context, connection string, fence int64, cursor string, done bool, p store.Page) error
	StopPoll(ctx context.Context, connection string, fence int64, by string, wait time.Duration) error
	LeaveTurn(ctx context.Context, turn store.Turn, fence int64) error
	ClaimAs(process int64)
	TakeBackFrom(ctx context.Context, process int64) (int, error)
	Event(ctx context.Context, seq int64) (store.Event, error)
	Events(ctx context.Context, f store.EventFilter) ([]store.Event, error)
	Customer(ctx context.Context, sync, customer string) (store.Customer, error)
	Customers(ctx context.Context, sync, named string) ([]store.Customer, error)
	History(ctx context.Context, sync, customer string, limit int) ([]store.Decision, error)
	Last(ctx context.Context, sync string) (map[string]store.Last, error)
	Counts(ctx context.Context) (map[string]store.Counts, error)
	Outcomes(ctx context.Context, sync string) (map[status.Outcome]int, error)
	Links(ctx context.Context, sync string) ([]store.Link, error)
	Exceptions(ctx context.Context, f store.ExceptionFilter) ([]store.Exception, error)
	CustomersAfter(ctx context.Context, f store.CustomerFilter, after store.After, limit int) ([]store.Customer, error)
	LinksAfter(ctx context.Context, sync string, after store.After, limit int) ([]store.Link, error)
	GroupsAfter(ctx context.Context, sync string, after store.Group, limit int) ([]store.Group, error)
}

// The same random operations on the oracle, SQLite and PostgreSQL give the same
// rows and the same answers. Ids are compared by their order: PostgreSQL leaves
// gaps where an insert met a row that was there.
func TestTheEnginesAndTheOracleAgree(t *testing.T) {
	clock := storetest.NewClock()
	open := func(dsn string) *store.DB {
		db, err := store.Open(t.Context(), store.Options{DSN: dsn, Migrate: true, Work: true, Now: clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		return db
	}
	engines := []engine{New(clock.Now), open(storetest.File(t)), open(pgtest.DSN(t))}
	life := 0
	rapid.Check(t, func(rt *rapid.T) {
		life++ // a sync of its own, so that all lives share the databases
		d := &differential{T: rt, clock: clock, sync: fmt.Sprintf("sync-%d", life), connection: fmt.Sprintf("billing-%d", life), life: int64(life)}
		for _, e := range engines {
			d.sides = append(d.sides, &side{engine: e})
		}
		d.all("the first process", func(s *side) any { s.ClaimAs(d.life*10 + 1); return nil })
		rt.Repeat(map[string]func(*rapid.T){
			"receive": d.receive, "replay": d.replay, "time passes": d.pass, "claim": d.claim, "claim one": d.claimOne, "begin a write": d.beginWrite, "settle": d.settle,
			"save a link": d.saveLink, "follow a merge": d.followLink, "people set links": d.importLinks, "remove a link": d.removeLink, "an exception": d.exception,
			"somebody acts": d.act, "a connection rests": d.rest, "reserve calls": d.reserve, "ask for changes": d.turn, "resume": d.resume, "the mode": d.mode, "the account": d.account, "compare": d.compare, "another process": d.process, "a process dies": d.takeBack,
		})
		d.compare(rt)
	})
}

// differential does one thing to all sides and compares what they answer.
type differential struct {
	*rapid.T
	clock            *storetest.Clock
	sync, connection string
	sides            []*side
	events           int
	life             int64
}

// side is one engine with what it has handed out, in the same order on each.
type side struct {
	engine
	works  []*store.Work
	fences []int64
}

// all asks every side and compares the answers with the oracle's.
func (d *differential) all(what string, ask func(*side) any) {
	d.Helper()
	var want any
	for i, s := range d.sides {
		got := ask(s)
		if i == 0 {
			want = got
		} else if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			d.Fatalf("%s: %T and the oracle differ:\n%s", what, s.engine, diff)
		}
	}
}

// answer is a value with what kind of error came along.
type answer struct {
	Value any
	Err   string
}

func answered(value any, err error) answer {
	a := answer{Value: value}
	var taken *store.DuplicateLinkError
	switch {
	case err == nil:
	case errors.Is(err, store.ErrFenced):
		a.Err = "fenced"
	case errors.Is(err, store.ErrNotFound):
		a.Err = "not found"
	case errors.Is(err, store.ErrChanged), errors.Is(err, store.ErrNoCustomer), errors.Is(err, store.ErrKeyReused):
		a.Err = errors.Unwrap(err).Error()
	case errors.As(err, &taken):
		a.Err = "duplicate link " + taken.TargetID + " of " + taken.Customer
	default:
		a.Err = err.Error()
	}
	return a
}

var (
	names  = rapid.SampledFrom([]string{"cus_1", "cus_2", "cus_3"})
	ids    = rapid.SampledFrom([]string{"rec_1", "rec_2", "rec_3"})
	words  = rapid.SampledFrom([]string{"", "active", "pausé", "a'b\"c"})
	stages = rapid.SampledFrom(status.Stages)
	kinds  = rapid.SampledFrom(status.Kinds)
)
