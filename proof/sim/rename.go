package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// names are those of the sync and of its two connections.
type names struct{ sync, source, target string }

var firstNames = names{sync: syncName, source: "billing", target: "crm"}

// connection is the name of a side, which the senders know as billing or crm.
func (n names) connection(side string) string {
	if side == firstNames.source {
		return n.source
	}
	return n.target
}

// renameSteps are operators who give the sync or a connection another name in the
// file, and in the database only later.
var renameSteps = map[string]happens{
	"operator renames": {draw: func(r *rand.Rand, set setting, s *Step) {
		s.Op, s.N = one(r, "sync", "sync", "source", "target"), one(r, r.Int64N(2000), 20_000, 200_000)
		if s.Value = one(r, "goes on", "goes on", "starts anew"); s.Op != "sync" {
			s.Value = one(r, "goes on", "starts anew", "taken for new")
		}
		if !set.readable && r.IntN(2) == 0 { // all that is known of its customers was told under a name
			s.Op, s.Value = "source", "taken for new"
		}
	}, run: func(w *world, s Step) { w.renameInFile(s) }},
}

// drawRenames draws from numbers of its own, as drawWaits does.
func drawRenames(seed uint64, set setting) []Step {
	r := rand.New(rand.NewPCG(seed, 41))
	var steps []Step
	for range one(r, 0, 0, 1, 2) {
		s := Step{Kind: "operator renames", Who: r.IntN(set.customers), At: 2000 + r.Int64N(set.storm-2000)}
		renameSteps[s.Kind].draw(r, set, &s)
		steps = append(steps, s)
	}
	return steps
}

// renameInFile gives the file another name. The nodes go on under the old one, or
// are started and refuse to: whose memory is whose is open. Of a connection
// somebody may say that it is new, which it is not.
func (w *world) renameInFile(s Step) {
	if w.disk == nil || w.calm || w.config.names != w.names {
		return
	}
	next := w.config
	next.takenForNew = s.Value == "taken for new"
	w.facts.renames++
	called := fmt.Sprintf("%s-%d", s.Op, w.facts.renames)
	switch s.Op {
	case "sync":
		next.names.sync = called
	case "source":
		next.names.source = called
	default:
		next.names.target = called
	}
	w.coverage.hit("renamed", s.Op)
	w.coverage.hit("renamed", s.Value)
	if s.Value == "goes on" {
		w.config = next
	} else {
		w.setConfig(next)
	}
	w.after(s.N/2, func() { // somebody looks why nothing is carried
		if !w.calm {
			w.source.customers[s.Who].set(one(w.rng, "active", "paused", "canceled"))
			for _, x := range w.questions(s.Who) {
				w.act(x, store.Act{Verb: store.Retry})
			}
		}
	})
	w.after(s.N, w.rename)
}

// refused reports whether a file leaves open whose memory is whose, as the program
// asks when it starts and at each command.
func (w *world) refused() bool { return w.config.names != w.names && !w.config.takenForNew }

// noteNames stores what the file of a node that starts names.
func (n *node) noteNames() {
	if n.world.disk == nil {
		return
	}
	n.world.must(n.world.disk.Product().NoteNames(context.Background(), []store.Named{
		{Kind: store.ConnectionName, Name: n.names.source}, {Kind: store.ConnectionName, Name: n.names.target},
		{Kind: store.SyncName, Name: n.names.sync, Source: n.names.source, Target: n.names.target}}))
}

// rename lets an operator rename in the database what has another name in the
// file. The nodes that run read the file soon, or late.
func (w *world) rename() {
	old, now := w.names, w.config.names
	if old == now {
		return
	}
	r := store.Rename{Kind: store.ConnectionName, Old: old.source, New: now.source}
	switch {
	case old.sync != now.sync:
		r = store.Rename{Kind: store.SyncName, Old: old.sync, New: now.sync}
	case old.target != now.target:
		r.Old, r.New = old.target, now.target
	}
	before := w.memory(r)
	for _, c := range w.facts.claims {
		if c.open && c.until > w.now {
			w.coverage.hit("renamed", "during an attempt")
		}
	}
	_, err := w.disk.Product().Rename(context.Background(), r)
	w.must(err)
	w.note("renamed", r.Old, r.New, 0)
	w.names, w.config.takenForNew = now, false
	w.facts.became[r.Old] = r.New
	if len(before) > 0 {
		w.coverage.hit("renamed", "with a memory")
	}
	w.moved(r, before, w.memory(r))
	for k, n := range maps.Clone(w.facts.stored) { // an id that was told is told under the new name
		if connection, id, _ := strings.Cut(k, "/"); r.Kind == store.ConnectionName && connection == r.Old {
			delete(w.facts.stored, k)
			w.facts.stored[r.New+"/"+id] += n
		}
	}
	late := w.rng.IntN(3) == 0
	for _, n := range w.nodes {
		if n.up && n.names != now {
			w.after(w.rng.Int64N(map[bool]int64{false: 2000, true: 90_000}[late]), func() {
				if n.names != w.names {
					n.restart()
				}
			})
		}
	}
}

// called is the name that a connection has now.
func (w *world) called(connection string) string {
	for w.facts.became[connection] != "" {
		connection = w.facts.became[connection]
	}
	return connection
}

// memory is all that the store tells of the sync, a line for each thing, with the
// new name in the place of the old one.
func (w *world) memory(r store.Rename) (lines []string) {
	ctx, db := context.Background(), w.disk.Product()
	line := func(what string, v any) {
		text, err := json.Marshal(v)
		w.must(err)
		lines = append(lines, what+" "+strings.ReplaceAll(string(text), `"`+r.Old+`"`, `"`+r.New+`"`))
	}
	for _, c := range w.source.customers {
		if row, err := db.Customer(ctx, w.names.sync, c.id); err == nil {
			line("customer", row)
			w.facts.based[c.id] = row.Base.RecordID
		}
	}
	open, err := db.Exceptions(ctx, store.ExceptionFilter{Sync: w.names.sync})
	w.must(err)
	for _, x := range open {
		line("exception", x)
	}
	events, err := db.Events(ctx, store.EventFilter{Sync: w.names.sync, Limit: 10_000, Bare: true})
	w.must(err)
	for _, e := range events {
		line("event", e)
	}
	due, err := db.NextDue(ctx, w.names.sync)
	w.must(err)
	line("next due", due)
	return lines
}

// moved: all that was known under the old name is known under the new one.
func (w *world) moved(r store.Rename, before, after []string) {
	for i, line := range before {
		if !slices.Contains(after, line) {
			w.fail(22, "renamed", "of %s that is %s now is not there any more: %s (line %d of %d, %d are there)", r.Old, r.New, line, i, len(before), len(after))
		}
	}
}

// keptByName: nobody who was accepted under a name is a first contact under the
// next one, and no event ends only because of a name.
var keptByName = watch{ended: func(w *world) {
	for old := range w.facts.became {
		left, err := w.disk.Product().Holding(context.Background(), store.SyncName, old)
		if w.must(err); !left.Empty() {
			w.fail(22, "renamed", "%s has another name now and still holds %s", old, left)
		}
	}
}, settled: func(w *world, t *task, work *store.Work, s store.Settlement) {
	if w.facts.renames == 0 {
		return
	}
	if t.node.names != w.names {
		w.coverage.hit("renamed", "settled by a node with another name")
	}
	based := w.facts.based[work.Customer]
	if delete(w.facts.based, work.Customer); based != "" && s.Park != nil && s.Park.Kind == status.FirstContact && s.Decision.TargetID == based && !w.facts.letGo[work.Customer] {
		w.fail(22, "renamed", "%s had been carried to %s before the renaming and is a first contact", work.Customer, based)
	}
	if s.Decision == nil || s.Outcome != status.Ignored || s.Decision.Stage != status.StageReadSource || w.set.readable {
		return
	}
	told, err := w.db.Events(context.Background(), store.EventFilter{Sync: w.names.sync, Customer: work.Customer, Valued: true, Bare: true})
	w.must(err)
	if slices.ContainsFunc(told, func(e store.Event) bool { return e.Side == store.SourceSide && e.ReplayOf == 0 }) {
		w.fail(22, "renamed", "%s was told of and ended as %s: %s", work.Customer, s.Outcome, s.Reason)
	}
}}
