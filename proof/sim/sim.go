// Package sim lives through whole histories of Trueup in milliseconds: the real
// path, decision, inbox and polling, between two simulated tools, on a clock,
// a store and a network that one seed decides about.
//
// Main types: Case (a seed, and what of its script is left out), Result, Step
// (one thing that happens), Breach (an invariant that did not hold) and
// Coverage (what was met on the way). Main functions: Run, Shrink.
//
// A history has two parts. In the storm the steps of the script happen: the
// source changes, people and automations edit the target, webhooks are lost,
// doubled and delayed, nodes crash and stand still, calls and the database
// fail. In the calm all of that ends, and the two tools must come to agree.
//
// Everything runs in one goroutine at a time: an attempt is a coroutine that
// gives way at each call and goes on when its answer is due. The same case
// gives the same history, which Result.Hash shows.
//
// The invariants, by the numbers that a Breach names:
//
//  1. durable: what was acknowledged is stored.
//  2. once: an event is stored once.
//  3. humans win: a person's edit that is newer than the source's change is not
//     written over. Where the target cannot tell, it is counted, not forbidden.
//  4. no time travel: an older state of the source never follows a newer one.
//  5. no idle write: what the target holds already is not written.
//  6. right record: only the customer's own record is written.
//  7. one outcome: each event ends once, and what was not carried has an
//     exception.
//  8. no false conflict: a hold names an edit that somebody really made.
//  9. fenced: no send, commit or report without the latest claim and its lease,
//     and no send without a stored intent.
//  10. base is truth: the target really held what the base says.
//  11. converges: after the calm both tools agree, or an exception says why not.
//  12. fair: who has been due the longest is carried first.
//  13. bounded: work comes to an end.
//  14. within limits: no more is written than the limits allow, and who waits at
//     a halted sync is let through when it is resumed.
//  15. patient: what ends by itself costs no longer than it lasts, and closes its
//     exception.
//  16. not again: what the target keeps in a spelling of its own, or says it has
//     done and does not show, is not sent once more.
//  17. as planned: whoever applies a plan writes only what it shows, over what it
//     shows, and each row once; each row ends with a reason.
//  18. forgotten: nothing is left of who was forgotten, and nothing that was on its
//     way brings them back.
//  19. paced: under a rate limit, ours or the tool's, work goes on, no more is
//     called than ours allows, and a tool that cuts calls off is not hammered.
//  20. only watches: a sync that watches writes nothing, and what was accepted
//     while it was live is carried when it is live again.
//  21. own account: nothing is carried to an account of the target that nobody has
//     confirmed, and of one that was let go of nothing counts any more.
//  22. renamed: all that was known under a name is known under the next one; nobody
//     is a first contact again, and no event ends only because of a name.
//  23. hands off: no write begins in a pause, or of a customer who is pinned, once
//     that is stored.
//  24. policy: nothing is written before it has lasted, as far as can be known, outside
//     of its hours, or without the person who has to confirm this very change.
//
// On disk (Options.Disk) nodes compare both sides as well, and operators work with
// commands: they make plans and apply them, forget people, and rename the sync and
// its connections.
//
// To add something that can happen, write a file with a list of happenings and
// add it to script.go; to add an invariant, write a watch and add it to
// watch.go.
//
// It must not import a vendor's package or a database driver.
package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/inbox"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/poll"
	"github.com/trueup-sync/trueup/internal/ratelimit"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/proof/oracle"
)

// Case names one history.
type Case struct {
	Seed uint64
	// Without are the steps of the seed's script that are left out, by number.
	Without []int
	// Nodes replaces the number of nodes that the seed chose; 0 leaves it.
	Nodes int
}

// String is the case as Go source.
func (c Case) String() string {
	text := fmt.Sprintf("sim.Case{Seed: %d", c.Seed)
	if len(c.Without) > 0 {
		text += fmt.Sprintf(", Without: %#v", c.Without)
	}
	if c.Nodes > 0 {
		text += fmt.Sprintf(", Nodes: %d", c.Nodes)
	}
	return text + "}"
}

// Options is how a case is run.
type Options struct {
	// Trace keeps the timeline.
	Trace bool
	// Store opens an empty store on the clock and closes it again; nil means
	// the oracle.
	Store func(now func() time.Time) (Store, func() error, error)
	// Disk says that the Store is a Disk and used as one: nodes compare both sides,
	// and operators work with commands.
	Disk bool
}

// Store is what the simulated nodes share; it is *oracle.DB or *store.DB.
type Store interface {
	pipeline.Store
	inbox.Store
	poll.Store
	Act(ctx context.Context, a store.Act) (bool, error)
	Resume(ctx context.Context, r store.Resume) (store.Resumed, error)
	SetMode(ctx context.Context, sync string, live bool) error
	PauseSync(ctx context.Context, sync, who, why string) (now store.SyncPause, changed bool, err error)
	SyncPaused(ctx context.Context, sync string) (store.SyncPause, error)
	PinCustomer(ctx context.Context, p store.Pin) (store.Pinned, error)
	Unpin(ctx context.Context, sync, customer, who string) (*store.Pin, error)
	Accounts(ctx context.Context, sync string) (map[store.Side]store.Account, error)
	NoteAccounts(ctx context.Context, sync string, now []store.Account) ([]store.AccountMoved, error)
	SameAccounts(ctx context.Context, sync, who string, now []store.Account) ([]store.AccountMoved, error)
	RemoveLinks(ctx context.Context, sync, who string, now []store.Account) (int, error)
	SetLink(ctx context.Context, l store.Link) error
	RemoveLink(ctx context.Context, sync, customer, who string) error
	Customer(ctx context.Context, sync, customer string) (store.Customer, error)
	Exceptions(ctx context.Context, f store.ExceptionFilter) ([]store.Exception, error)
	Outcomes(ctx context.Context, sync string) (map[status.Outcome]int, error)
	ClaimAs(process int64)
	ratelimit.Slots
	TakeBackFrom(ctx context.Context, process int64) (int, error)
}

// Breach is an invariant that did not hold.
type Breach struct {
	Number int
	Name   string
	What   string
}

func (b *Breach) String() string {
	return fmt.Sprintf("invariant %d, %s: %s", b.Number, b.Name, b.What)
}

// Result is how a history went.
type Result struct {
	Case   Case
	Breach *Breach // nil when all invariants held
	// Hash is the same for the same history.
	Hash uint64
	// Script is all that the seed planned, with what was left out.
	Script  []Step
	Setting string
	// Unfenced says that reports were taken without a claim, as no engine does:
	// on one it is another history.
	Unfenced bool
	Timeline []string
	Coverage *Coverage
}

// Run lives through a case. The error is about the store, not the product.
func Run(c Case, o Options) (Result, error) {
	if o.Store == nil {
		o.Store = func(now func() time.Time) (Store, func() error, error) {
			return oracle.New(now), func() error { return nil }, nil
		}
	}
	w := newWorld(c, o.Trace)
	db, closeStore, err := o.Store(w.clock)
	if err != nil {
		return Result{}, err
	}
	w.db = db
	if disk, ok := db.(Disk); ok && o.Disk {
		w.disk = disk
		w.set.transitions = nil // nobody is asked there
		w.script = append(w.script, drawOperators(c.Seed, w.set)...)
		w.script = append(w.script, drawRenames(c.Seed, w.set)...)
	}
	if memory, ok := db.(*oracle.DB); ok && !w.set.fences {
		memory.Unfence()
	}
	w.live()
	return Result{Case: c, Breach: w.breach, Hash: w.hash, Script: w.script, Setting: w.set.String(), Unfenced: !w.set.fences, Timeline: w.timeline, Coverage: w.coverage}, closeStore()
}
