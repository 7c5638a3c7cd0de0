package app_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/proof/tools"
)

// decider is what the situations ask of the tool that decides. Its customers have
// numbers; those up to twelve have a record in the other tool.
type decider struct {
	customer func(n int) string
	// set gives a customer a status: active, paused or churned.
	set func(n int, word string)
	// tell lets the service learn of it.
	tell func(n int)
	// now is the time of a change in the tool, nil where nobody asks.
	now func() time.Time
}

// follower is what the situations ask of the tool that follows.
type follower struct {
	shows func(n int, word string) bool
	// edit is what a person does now, and edited the word that they choose.
	edit   func(n int)
	edited string
	writes func(n int) int // of a record; nil where nobody counts them
}

// cell is two tools on one engine, at work.
type cell struct {
	*testing.T
	decider
	follower
	db *store.DB
}

// newCell opens the database of a service that is started after it.
func newCell(t *testing.T, cfg *config.Config, f follower) *cell {
	db, err := store.Open(t.Context(), store.Options{DSN: cfg.Database.Reveal(), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &cell{T: t, follower: f, db: db}
}

// shown is how the records of the followers say a status.
var shown = map[string]string{"active": "Active", "paused": "Paused", "churned": "Churned"}

func (c *cell) until(what string, done func() bool) {
	c.T.Helper()
	(&live{T: c.T}).until(what, done)
}

func (c *cell) wants(what string, got, want any) {
	c.T.Helper()
	if got != want {
		c.T.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// changed changes a customer, and the service learns of it.
func (c *cell) changed(n int, word string) {
	c.T.Helper()
	c.set(n, word)
	c.tell(n)
}

// carried changes a customer, and waits until that is carried.
func (c *cell) carried(n int, word string) {
	c.T.Helper()
	c.changed(n, word)
	c.follows(n, word)
}

func (c *cell) follows(n int, word string) {
	c.T.Helper()
	c.until(fmt.Sprintf("record %d shows %s", n, shown[word]), func() bool { return c.shows(n, shown[word]) })
	c.until("the write is proved", func() bool {
		events, err := c.db.Events(c.Context(), store.EventFilter{Customer: c.customer(n)})
		return err == nil && !slices.ContainsFunc(events, func(e store.Event) bool { return e.Outcome == "" })
	})
}

// exception waits for an open one.
func (c *cell) exception(what string, is func(store.Exception) bool) (x store.Exception) {
	c.T.Helper()
	c.until(what, func() bool {
		open, err := c.db.Exceptions(c.Context(), store.ExceptionFilter{States: []status.State{status.Open}})
		if err != nil {
			c.T.Fatal(err)
		}
		i := slices.IndexFunc(open, is)
		if i >= 0 {
			x = open[i]
		}
		return i >= 0
	})
	return x
}

// asked waits for the exception of a customer.
func (c *cell) asked(n int) status.Kind {
	c.T.Helper()
	return c.exception(fmt.Sprintf("a person is asked about customer %d", n), func(x store.Exception) bool { return x.Customer == c.customer(n) }).Kind
}

// told has a tool's credentials end while customer 9 becomes active, until people are
// told and have the customer tried again.
func (c *cell) told(s *shop, expired refusal) tools.Result {
	c.T.Helper()
	s.end(func(*http.Request) refusal { return expired })
	c.changed(9, "active")
	c.refused(9)
	s.end(nil)
	c.again(9)
	return tools.Told
}

// toldOfAll is the same of a tool that is polled: no customer is named.
func (c *cell) toldOfAll(end, mend func()) tools.Result {
	c.T.Helper()
	end()
	c.changed(9, "active")
	c.exception("people are told", func(x store.Exception) bool { return x.Kind == status.ConnectionFailed })
	c.wants("the record", c.shows(9, "Churned"), true)
	mend()
	c.tell(9) // the next poll
	c.follows(9, "active")
	return tools.Told
}

// refused waits until people are told of a connection that fails customer n.
func (c *cell) refused(n int) store.Exception {
	c.T.Helper()
	return c.exception("people are told", func(x store.Exception) bool {
		return x.Kind == status.ConnectionFailed && x.Customer == c.customer(n)
	})
}

// again has a person try a customer, who became active, again.
func (c *cell) again(n int) {
	c.T.Helper()
	if _, err := c.db.Act(c.Context(), store.Act{Exception: c.refused(n).ID, Verb: store.Retry}); err != nil {
		c.T.Fatal(err)
	}
	c.follows(n, "active")
}

// happen makes each situation of a row happen, one after the other. own makes those
// happen that each tool has of its own. What takes a while by design, that a customer
// is found nowhere, goes on beside the others.
func (c *cell) happen(row tools.Tool, situations []tools.Situation, own func(tools.Situation) tools.Result) {
	did := func(s tools.Situation, happen func() tools.Result) {
		c.T.Helper()
		if row.In(s) != tools.None {
			c.wants(string(s), happen(), row.In(s))
		}
	}
	did(tools.Change, c.change)
	c.changed(90, "active")
	did(tools.Edit, c.editKept)
	for _, s := range situations {
		if !slices.Contains([]tools.Situation{tools.Change, tools.Edit, tools.Unmatched, tools.Token, tools.Poll}, s) {
			did(s, func() tools.Result { return own(s) })
		}
	}
	did(tools.Unmatched, func() tools.Result {
		// On a busy machine the connection may have failed before.
		c.exception("a person is asked who the record of customer 90 is", func(x store.Exception) bool {
			return x.Customer == c.customer(90) && x.Kind == status.Unmatched
		})
		return tools.Asked
	})
	did(tools.Token, func() tools.Result { return own(tools.Token) }) // by now a token is as old as one that ends
}

// polled starts the service, and returns what has it poll: each start does, in the
// place of the poll that comes minutes later.
func (c *cell) polled(cfg *config.Config) (again func(int)) {
	c.T.Helper()
	var running *live
	start := func(int) {
		a, err := app.Start(c.Context(), app.Options{Config: cfg, Version: "test", NotifyPace: fast})
		if err != nil {
			c.T.Fatal(err)
		}
		running = &live{T: c.T, app: a}
	}
	start(0)
	c.T.Cleanup(func() { running.stop(2 * time.Minute) })
	c.listed()
	return func(n int) {
		running.stop(2 * time.Minute)
		start(n)
	}
}

// listed waits for the first poll, which brings no changes.
func (c *cell) listed() {
	c.T.Helper()
	c.until("the tool was polled", func() bool {
		at, err := c.db.ListedAt(c.Context(), "billing")
		return err == nil && !at.IsZero()
	})
}

func (c *cell) change() tools.Result {
	c.carried(1, "churned")
	c.carried(1, "active")
	if c.writes != nil {
		c.wants("written", c.writes(1), 2)
	}
	return tools.Carried
}

func (c *cell) editKept() tools.Result {
	c.carried(2, "churned")
	c.set(2, "active")
	c.edit(2)
	c.tell(2)
	c.wants("the exception", c.asked(2), status.Conflict)
	c.wants("the record", c.shows(2, c.edited), true)
	return tools.Kept
}

// clock gives each change of a test a time of its own, all of them half an hour ago.
func clock() func() time.Time {
	at := time.Now().Add(-30 * time.Minute).Truncate(time.Second)
	return func() time.Time {
		at = at.Add(time.Second)
		return at
	}
}
