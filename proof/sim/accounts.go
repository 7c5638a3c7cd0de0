package sim

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// accountSteps are operators whose file leads to another account of the target: the
// same one behind another address, another one whose records have nothing to do
// with the links, or one that was meant by mistake.
var accountSteps = map[string]happens{
	"another account": {draw: func(r *rand.Rand, _ setting, s *Step) {
		s.Op, s.N = one(r, "the same", "links removed", "back"), one(r, int64(20_000), 120_000, 900_000)
	}, run: func(w *world, s Step) {
		if w.disk != nil {
			return // what operators run there has no account
		}
		before := w.config.account
		w.useAccount(before + 1)
		w.after(s.N, func() {
			switch {
			case w.calm:
			case s.Op == "back":
				w.coverage.hit("account", s.Op)
				w.useAccount(before)
			default:
				w.saysOfAccount(s.Op)
			}
		})
	}},
}

// drawAccounts draws from numbers of its own, so that the rest of a seed stays what it is.
func drawAccounts(seed uint64, set setting) []Step {
	r := rand.New(rand.NewPCG(seed, 33))
	if r.IntN(16) > 0 {
		return nil
	}
	s := Step{Kind: "another account", At: 2000 + r.Int64N(set.storm-2000)}
	accountSteps[s.Kind].draw(r, set, &s)
	return []Step{s}
}

func (w *world) useAccount(number int) {
	next := w.config
	next.account = number
	w.setConfig(next)
}

// accountOf is an account of the target as a file names it.
func accountOf(number int) []store.Account {
	return []store.Account{{Side: store.TargetSide, Key: fmt.Sprint("account ", number), Shown: "crm"}}
}

// accounts is what the watch of accounts remembers.
type accounts struct {
	// confirmed is the one that the links are of, asked are those that people are
	// asked about.
	confirmed int
	asked     map[int]bool
	waited    map[string]bool // customers who were due meanwhile
	// leftAt is when what was seen in an account was let go of with it.
	leftAt int64
}

func newAccounts() accounts {
	return accounts{asked: map[int]bool{}, waited: map[string]bool{}, leftAt: -1}
}

// reaches notes which account a node that starts has in its file.
func (n *node) reaches() {
	w := n.world
	if n.account = w.config.account; w.disk != nil {
		return
	}
	a, kept := &w.facts.accounts, false
	for _, c := range w.source.customers {
		row, err := w.db.Customer(context.Background(), w.names.sync, c.id)
		kept = kept || err == nil && (row.Link != nil || row.Base.Known)
	}
	moved, err := w.db.NoteAccounts(context.Background(), w.names.sync, accountOf(n.account))
	w.must(err)
	switch {
	case n.account == a.confirmed:
	case kept || len(moved) > 0: // a write under way is kept as well, and only the store knows it
		w.coverage.hit("account", "asked")
		a.asked[n.account] = true
	default:
		a.confirmed = n.account // nothing is kept that could be of another one
		delete(a.asked, n.account)
	}
}

// barred is why a node may carry nothing, as the program has it.
func (n *node) barred(ctx context.Context, sync string) (string, error) {
	w := n.world
	if w.disk != nil {
		return "", nil
	}
	if p, err := w.db.SyncPaused(ctx, sync); err != nil || !p.Since.IsZero() {
		n.shut = w.now + 1000
		w.after(1000, func() {}) // and then it asks again
		return "paused", err
	}
	noted, err := w.db.Accounts(ctx, sync)
	if err != nil || noted[store.TargetSide].Key == accountOf(n.account)[0].Key {
		return "", err
	}
	n.shut = w.now + 5000
	w.after(5000, func() {}) // and then it asks again
	for _, c := range w.source.customers {
		if w.due(c.id) {
			w.facts.accounts.waited[c.id] = true
		}
	}
	return "another account", nil
}

// saysOfAccount lets a person say that the account is the same one, or let go of
// what is about the one of before.
func (w *world) saysOfAccount(what string) {
	a, now := &w.facts.accounts, w.config.account
	w.note("account", what, "", int64(now))
	w.coverage.hit("account", what)
	if what == "the same" {
		_, err := w.db.SameAccounts(context.Background(), w.names.sync, "ana@example.com", accountOf(now))
		w.must(err)
	} else {
		if a.asked[now] {
			a.leftAt = w.now
			clear(w.facts.taken)
			clear(w.facts.overwritten)
			for _, s := range w.sendings {
				s.elsewhere = true
			}
		}
		_, err := w.db.RemoveLinks(context.Background(), w.names.sync, "ana@example.com", accountOf(now))
		w.must(err)
	}
	a.confirmed = now
	delete(a.asked, now)
	w.turns()
}

// ownAccount: nothing is carried to an account that nobody has confirmed, and of
// one that was let go of nothing counts any more.
var ownAccount = watch{
	claimed: func(w *world, work *store.Work, _ []string) {
		a := &w.facts.accounts
		if n := w.current.node; a.asked[n.account] {
			w.fail(21, "own account", "%s is carried to account %d, and the links are of account %d", work.Customer, n.account, a.confirmed)
		}
		old := func(seen int64) bool { return seen >= 0 && seen < a.leftAt }
		if work.Base.Known && old(ms(work.Base.SeenAt)) || old(ms(work.Observed.SeenAt)) || len(work.Intents) > 0 && old(ms(work.Intents[0].SentAt)) {
			w.fail(21, "own account", "what was seen and written in another account still counts for %s", work.Customer)
		}
	},
	settled: func(w *world, _ *task, work *store.Work, s store.Settlement) {
		if s.Outcome == status.Applied && w.facts.accounts.waited[work.Customer] {
			w.coverage.hit("account", "waited, and was carried")
		}
		delete(w.facts.accounts.waited, work.Customer)
	},
}
