package overview

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// SeenEvery is how often a process records that it is running.
	SeenEvery = 15 * time.Second
	// seenLately is for how long that counts.
	seenLately = 3 * SeenEvery
)

// Status returns the status of everything.
func Status(ctx context.Context, db *store.DB, cfg *config.Config) (contract.Status, error) {
	now, err := db.Now(ctx)
	if err != nil {
		return contract.Status{}, err
	}
	s := contract.Status{MadeAt: contract.Stamp(now), Engine: db.Engine(), NeedsPerson: []string{}, Left: []contract.Holding{}, Connections: []contract.ConnectionState{}, Nodes: []contract.Node{}}
	if cfg.Syncs == nil { // the file has faults
		if cfg, err = ofDatabase(ctx, db, cfg); err != nil {
			return s, err
		}
	}
	if s.Syncs, err = Syncs(ctx, db, cfg.Syncs); err != nil {
		return s, err
	}
	if s.Alarms, err = Alarms(ctx, db, cfg); err != nil {
		return s, err
	}
	for _, row := range s.Syncs {
		s.CustomersNeedPerson += row.CustomersNeedPerson
		pausedBy := ""
		if row.Paused != nil {
			if pausedBy, err = called(ctx, db, cfg, row.Paused.By); err != nil {
				return s, err
			}
		}
		s.NeedsPerson = append(s.NeedsPerson, needs(row, pausedBy)...)
	}
	if err := undelivered(ctx, db, cfg, now, &s); err != nil {
		return s, err
	}
	left, err := Left(ctx, db, cfg)
	if err != nil {
		return s, err
	}
	for _, h := range left {
		s.Left = append(s.Left, contract.HoldingOf(h))
		s.NeedsPerson = append(s.NeedsPerson, OfLeft(h))
	}
	states, err := db.ConnectionStates(ctx)
	if err != nil {
		return s, err
	}
	refused, err := db.Refused(ctx)
	if err != nil {
		return s, err
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Connections)) {
		row := connection(cfg.Connections[name], states[name], now)
		for _, r := range refused {
			if r.Connection == name {
				if row.Refused == nil {
					row.Refused = map[status.Refusal]int{}
				}
				row.Refused[r.Refusal] = r.Count
				s.NeedsPerson = append(s.NeedsPerson, fmt.Sprintf("%s: %s refused in the last hour: %s", name, status.Plural(r.Count, "webhook"), reason.Refusals[r.Refusal]))
			}
		}
		s.Connections = append(s.Connections, row)
	}
	nodes, err := db.Nodes(ctx)
	if err != nil {
		return s, err
	}
	working := func(n store.Node) bool { return Works(n, now) }
	differ := Differing(nodes, working)
	for _, n := range nodes {
		if said := OfFile(n.File, true); said != "" && working(n) {
			s.NeedsPerson = append(s.NeedsPerson, n.Name+": "+said)
		}
		if n.Unsent != "" && working(n) {
			s.NeedsPerson = append(s.NeedsPerson, n.Name+": heartbeat not sent: "+n.Unsent)
		}
		s.Nodes = append(s.Nodes, contract.Node{Node: n.Name, Version: n.Version, StartedAt: contract.Stamp(n.StartedAt), SeenAt: contract.Stamp(n.SeenAt),
			Working: working(n), Unsent: n.Unsent, File: contract.NodeFileOf(n.File, differ[n.Name])})
	}
	if s.Health, err = Health(ctx, db, cfg); err != nil {
		return s, err
	}
	s.NeedsPerson = append(s.NeedsPerson, faulty(s.Health)...)
	return s, nil
}

// Works reports whether a process was seen recently.
func Works(n store.Node, now time.Time) bool { return now.Sub(n.SeenAt) <= seenLately }

// Working counts the processes that were seen recently.
func Working(ctx context.Context, db *store.DB) (int, error) {
	now, err := db.Now(ctx)
	if err != nil {
		return 0, err
	}
	nodes, err := db.Nodes(ctx)
	n := 0
	for _, node := range nodes {
		if Works(node, now) {
			n++
		}
	}
	return n, err
}

// needs says what of a sync a person must see to.
func needs(row contract.Sync, pausedBy string) []string {
	var all []string
	if text := WhoNeeds(row); text != "" {
		all = append(all, row.Sync+": "+text)
	}
	for _, m := range row.AccountMoved {
		all = append(all, row.Sync+": nothing is synced, "+m.Reason)
	}
	if p := row.Paused; p != nil {
		text := fmt.Sprintf("%s: paused by %s, nothing is written; see trueup resume", row.Sync, pausedBy)
		if p.PlanFirst {
			text = fmt.Sprintf("%s: paused by %s, nothing is written; make a plan first: trueup plan %s", row.Sync, pausedBy, row.Sync)
		}
		all = append(all, text)
	}
	if row.Halted != nil {
		all = append(all, row.Sync+": halted by mass_change; if the change is right: trueup resume "+row.Sync+" --reason TEXT")
	}
	if row.Silence != nil {
		all = append(all, row.Sync+": "+row.Source.Connection+" has gone silent")
	}
	return all
}

// WhoNeeds says in one sum how many customers of a sync need a person, and where
// they are found, and whether the sync as a whole does; "" is none.
func WhoNeeds(row contract.Sync) string {
	var found []string
	if open := sum(row.OpenExceptions); open > 0 {
		found = append(found, status.Plural(open, "open exception"))
	}
	if overdue := sum(row.OverdueExceptions); overdue > 0 {
		found = append(found, fmt.Sprintf("%d overdue", overdue))
	}
	if n := row.UnaskedCustomers; n > 0 {
		text := fmt.Sprintf("%d found by the comparison", n)
		if len(row.Sweeps) > 0 {
			text += row.Sweeps[0].At.UTC().Format(" of 2006-01-02 15:04Z")
		}
		found = append(found, text+", not checked yet")
	}
	var who []string
	if n := row.CustomersNeedPerson; n > 0 {
		who = append(who, status.Plural(n, "customer"))
	}
	if row.Asked.Whole > 0 {
		who = append(who, "the sync itself")
	}
	text := strings.Join(found, ", ")
	if len(who) > 0 {
		return strings.Join(who, " and ") + " (" + text + ")"
	}
	return text
}

// Needing counts the customers, and the syncs as a whole, that wait for a person.
func Needing(asked iter.Seq[store.Asked]) (customers, syncs int) {
	for a := range asked {
		customers += a.Customers
		if a.Whole > 0 {
			syncs++
		}
	}
	return customers, syncs
}

func sum(by map[status.Kind]int) int {
	n := 0
	for _, of := range by {
		n += of
	}
	return n
}

// connection says how a connection stands.
func connection(c config.Connection, state store.ConnectionState, now time.Time) contract.ConnectionState {
	row := contract.ConnectionState{Connection: c.Name, Type: c.Type, ListedLate: state.ListedLate.Seconds()}
	if state.RestsUntil.After(now) {
		row.RestsUntil = contract.Stamp(state.RestsUntil)
	}
	if limit := c.CallLimit(); limit != nil {
		row.Rate = &contract.Rate{Requests: limit.Requests, PerSeconds: limit.Per.Seconds(), Free: limit.Requests}
		if ahead := state.NextCall.Sub(now); ahead > 0 {
			gap := max(limit.Per/time.Duration(limit.Requests), time.Microsecond)
			row.Rate.Free = max(0, limit.Requests-int((ahead+gap-1)/gap))
		}
	}
	if state.BudgetLimit > 0 {
		row.Budget = &contract.Budget{Left: state.BudgetLeft, Limit: state.BudgetLimit, At: contract.Stamp(state.BudgetAt)}
	}
	return row
}
