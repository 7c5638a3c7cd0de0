package sim

import (
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// watch is one invariant: what it looks at, while and after things happen. A
// nil function looks at nothing.
type watch struct {
	// claimed: a customer was claimed; waiting are those that could have been.
	claimed func(w *world, work *store.Work, waiting []string)
	// stored: the store took something under a claim.
	stored func(w *world, t *task, work *store.Work, what string)
	// sent: a write leaves a node.
	sent func(w *world, t *task, record status.TargetRecord, value string)
	// landed: a write is about to change a record.
	landed func(w *world, s *sending, r *record)
	// settled: an attempt was settled.
	settled func(w *world, t *task, work *store.Work, s store.Settlement)
	// acknowledged: a sender was answered 200.
	acknowledged func(w *world, connection string, e told, secret string)
	// ended: the calm is over.
	ended func(w *world)
}

// watches are all invariants, by their numbers.
var watches = []watch{
	durable, once, humansWin, noTimeTravel, noIdleWrite, rightRecord, oneOutcome,
	noFalseConflict, fenced, baseIsTruth, converges, fair, bounded, withinLimits, patient, counted, notAgain, provedLate,
	asPlanned, amid, inPace, onlyWatches, ownAccount, keptByName, handsOff, policed,
}

// attempt is what the watches remember of a task that carries a customer.
type attempt struct {
	carries bool
	work    *store.Work
	process int64 // the one that claimed it
	intent  *store.Intent
	// intentAt is when the latest was stored, and intentID its number.
	intentAt, intentID int64
	// version is the state of the source that is carried.
	version      int
	versionKnown bool
	// read is the record's state that was read last, readAt when it was asked
	// for; stale says that it was older than it should have been.
	read   state
	readAt int64
	// looked is the last look at the record, which counts once it is settled.
	looked   *look
	stale    bool
	unproved bool
	page     bool // a gateway answered in a tool's place
	found    int  // records that a search found and that really match
	row      *row // of the plan that asks for it, nil when none does
}

func (a *attempt) customer() string {
	if a.work == nil {
		return ""
	}
	return a.work.Customer
}

// facts is what the watches remember of a history.
type facts struct {
	// stored counts how often the store took an event as new.
	stored map[string]int
	acked  []string
	reused []told // acknowledged, under an id of another event
	// claims are the latest of each customer.
	claims map[string]claim
	// outcomes are those that were settled, by event.
	outcomes  map[int64]status.Outcome
	delivered map[string]int64
	looked    map[string]look
	// firstSeen is when a look found a record in a state for the first time.
	firstSeen map[seenState]int64
	// staleAt is when a reading of a record was older than it should have been, or
	// was the first one after that.
	staleAt map[string]int64
	// staleLook: the last look at a record was a stale one.
	staleLook map[string]bool
	// putBack is when a record was touched while a write had no answer.
	putBack map[string]int64
	// dismissed are customers whose exception a person resolved or ignored.
	dismissed map[string]bool
	// asItWas are those of two sides that a person resolved: they stay so while both
	// hold what he was shown.
	asItWas map[string]store.Exception
	// since is from when on a customer waits.
	since      map[string]int64
	streaks    map[string]streak
	retriedAll bool
	limits     counts
	paced      paced
	modes      modes
	accounts   accounts
	hands      hands
	policy     policy
	taken      map[string]taken
	// overwritten are the customers with whom people may have to be asked later.
	overwritten map[string]*overwritten
	// comparedAt is when a comparison began last.
	comparedAt int64
	// datedLate is the latest version of a customer that was dated after it had been
	// asked for.
	datedLate map[string]int
	// forgotten is when a customer was forgotten, and renewed who has come again.
	forgotten map[string]int64
	renewed   map[string]bool
	// atClaim is what is done when a customer is claimed next.
	atClaim map[string]func(*node)
	// renames counts the new names, and became says which name an old one is now.
	renames int
	became  map[string]string
	// based are the records of those who had a base at a renaming and were not
	// settled since, letGo those whose link somebody took away.
	based map[string]string
	letGo map[string]bool
}

type claim struct {
	fence int64
	until int64
	open  bool
	// process is the one that made it; takenBack says that it died, and that others may
	// go on.
	process   int64
	takenBack bool
}

// look is the latest reading of a customer's record.
type look struct {
	at    int64
	stale bool
	value string
}

// seenState is one state of a record.
type seenState struct {
	record   string
	revision int
}

func newFacts(seed uint64) facts {
	return facts{policy: newPolicy(seed), modes: newModes(), accounts: newAccounts(), hands: newHands(), overwritten: map[string]*overwritten{}, stored: map[string]int{}, claims: map[string]claim{}, outcomes: map[int64]status.Outcome{},
		delivered: map[string]int64{}, looked: map[string]look{}, firstSeen: map[seenState]int64{}, staleAt: map[string]int64{}, staleLook: map[string]bool{}, putBack: map[string]int64{}, dismissed: map[string]bool{}, asItWas: map[string]store.Exception{}, since: map[string]int64{}, taken: map[string]taken{}, streaks: map[string]streak{},
		limits:    counts{since: map[string]int64{}, waiting: map[string]bool{}, passing: map[string]bool{}, resumed: -1},
		datedLate: map[string]int{}, forgotten: map[string]int64{}, renewed: map[string]bool{}, atClaim: map[string]func(*node){},
		became: map[string]string{}, based: map[string]string{}, letGo: map[string]bool{}}
}

func (w *world) received(e store.NewEvent, inserted bool) {
	if inserted {
		w.facts.stored[w.called(e.Connection)+"/"+e.ID]++
	}
}

// ended asks every watch.
func (w *world) ended() {
	for _, x := range watches {
		if x.ended != nil && w.breach == nil {
			x.ended(w)
		}
	}
}
