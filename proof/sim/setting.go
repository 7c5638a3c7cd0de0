package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
)

// class is what a target can do and tell.
type class int

// The classes of targets.
const (
	conditionalAndWriter class = iota
	conditionalOnly
	writerAndFieldTime
	recordTimeOnly
	classes
)

func (c class) String() string {
	return [...]string{"conditional write and writer", "conditional write only", "writer and field time only", "record time only"}[c]
}

// conditional: a write is refused when the record has moved since it was read.
func (c class) conditional() bool { return c == conditionalAndWriter || c == conditionalOnly }

// writer: the last editor is known.
func (c class) writer() bool { return c == conditionalAndWriter || c == writerAndFieldTime }

// fieldTime: time and editor are those of the status field itself.
func (c class) fieldTime() bool { return c == writerAndFieldTime }

// skewMs is how far the tools' clocks may differ, as the sync is told.
const skewMs = 2000

// setting is what holds for a whole history.
type setting struct {
	nodes, customers int
	class            class
	readable         bool   // the source can be asked
	valueAt          bool   // and keeps the time of a value
	valued           bool   // its events carry the value
	targetTells      bool   // the target sends webhooks
	sourceWins       bool   // first_contact
	skipAutomation   bool   // automation_edits
	retryInCalm      bool   // a person tries all exceptions again
	limited          bool   // mass_change and writes_per_customer
	takesBack        bool   // what a dead process held is taken back before its lease is over
	lies             bool   // what is no option is answered as done
	answers          bool   // the answer to a write has the record
	respells         string // the value that the target spells its own way, "" for none
	// The safety nets, each of which is off in a share of the histories: nets
	// hide each other's bugs.
	poll, fences, readBack bool
	sourceClock            int64 // ms ahead of the true time
	targetClock            int64
	wholeSeconds           bool // the target tells no more of a time
	// listed: those who poll find the records and when they changed, by a clock
	// that is listClock ms ahead of the true time.
	listed    bool
	listClock int64
	// seconds: the source counts in whole seconds.
	seconds bool
	// behind: the source answers from a copy that is so many ms old.
	behind int64
	// pace is how many calls the target takes.
	pace  pacing
	storm int64
	// transitions are when a change is written, nil for at once.
	transitions *config.Transitions
}

func drawSetting(r *rand.Rand) setting {
	s := setting{nodes: 1 + r.IntN(3), customers: 1 + r.IntN(6), class: class(r.IntN(int(classes))), readable: r.IntN(4) > 0, valueAt: r.IntN(3) == 0,
		valued: r.IntN(2) == 0, targetTells: r.IntN(2) == 0, sourceWins: r.IntN(3) == 0, skipAutomation: r.IntN(4) == 0, retryInCalm: r.IntN(2) == 0,
		poll: r.IntN(2) == 0, fences: r.IntN(8) > 0, readBack: r.IntN(4) > 0,
		sourceClock: r.Int64N(1801) - 900, targetClock: r.Int64N(1801) - 900, storm: 60_000 + r.Int64N(1_800_000)}
	if !s.readable {
		s.valued, s.valueAt = true, false
	} else if r.IntN(2) == 0 {
		s.listed, s.listClock = true, -r.Int64N(4*3_600_000)
	}
	if !s.fences {
		// Without fences nothing may rest on them: one node that never stands
		// still longer than a lease.
		s.nodes = 1
	}
	return s
}

// drawWrong is how far wrong the clock of the source is besides, in some histories:
// local time sent as UTC, or a clock that nobody has set. It draws from numbers of
// its own, so that the rest of a seed stays what it is.
func drawWrong(seed uint64, s setting) int64 {
	if s.readable {
		if seed%9 == 4 {
			return 3_600_000
		}
		return 0
	}
	r := rand.New(rand.NewPCG(seed, 35))
	if r.IntN(3) > 0 {
		return 0
	}
	return one(r, -3*3_600_000, -600_000, -60_000-r.Int64N(7_200_000), 3_600_000, 60_000+r.Int64N(600_000))
}

// says is what the source makes of a time.
func (s setting) says(at int64) int64 {
	if at += s.sourceClock; s.seconds {
		at -= (at%1000 + 1000) % 1000
	}
	return at
}

// drawSeconds reports whether the source counts in whole seconds.
func drawSeconds(seed uint64) bool { return rand.New(rand.NewPCG(seed, 17)).IntN(3) == 0 }

// drawBehind is how old the copy is from which a source answers, in some
// histories. Its events tell the value, those that a list brings too: else nobody
// could know.
func drawBehind(seed uint64, s setting) int64 {
	r := rand.New(rand.NewPCG(seed, 18))
	if !s.readable || !s.valued || s.listed || r.IntN(2) > 0 {
		return 0
	}
	return 500 + r.Int64N(11_500)
}

// slow reports whether the source's clock is behind by more than the sync is told.
func (s setting) slow() bool { return s.sourceClock < -skewMs }

// ahead reports whether the source's clock is known to be wrong.
func (s setting) ahead() bool { return s.sourceClock > skewMs }

// drawTells draws what the target's clock tells: in a share of the histories it
// is minutes to hours wrong, or sends local time as UTC, and in another it tells
// whole seconds.
func (s *setting) drawTells(seed uint64) {
	r := rand.New(rand.NewPCG(seed, 16))
	if r.IntN(4) == 0 {
		s.targetClock = one(r, -5*3_600_000, -600_000, -60_000-r.Int64N(7_200_000), 60_000+r.Int64N(7_200_000), 2*3_600_000)
	}
	s.wholeSeconds = r.IntN(4) == 0
}

// wrongClock: the target's clock is further off than the sync is told.
func (s setting) wrongClock() bool { return s.targetClock < -skewMs || s.targetClock > skewMs }

// tells is what the target makes of a time.
func (s setting) tells(at int64) int64 {
	if at += s.targetClock; s.wholeSeconds {
		at -= (at%1000 + 1000) % 1000
	}
	return at
}

// surely is how much later than the source's change an edit must be for the
// product to know it: the skew it is told, and how far the clocks really differ.
func (s setting) surely() int64 {
	if s.wholeSeconds {
		return skewMs + 1800 + 1000
	}
	return skewMs + 1800
}

func (s setting) String() string {
	var nets []string
	for _, n := range s.nets() {
		if !n.on {
			nets = append(nets, n.name)
		}
	}
	told := fmt.Sprintf("%d nodes, %d customers, target: %s, source readable %t, value times %t, valued events %t, target tells %t, source wins %t, skip automation %t, limits %t, takes back %t, lies %t, answers %t, respells %q, source's clock %+.1f s, target's clock %+.1f s, whole seconds %t, nets off: [%s]",
		s.nodes, s.customers, s.class, s.readable, s.valueAt, s.valued, s.targetTells, s.sourceWins, s.skipAutomation, s.limited, s.takesBack, s.lies, s.answers, s.respells, float64(s.sourceClock)/1000, float64(s.targetClock)/1000, s.wholeSeconds, strings.Join(nets, " "))
	if t := s.transitions; t != nil {
		for _, word := range words {
			if rule := t.To[word.status]; rule != (config.Transition{}) {
				told += fmt.Sprintf(", %s: after %s, hours %v, ask %t", word.status, rule.After, rule.Hours, rule.Ask)
			}
		}
		told += fmt.Sprintf(", forbidden: %v", t.Forbid)
	}
	return told
}

// net is a safety net and whether it is there.
type net struct {
	name string
	on   bool
}

func (s setting) nets() []net {
	return []net{{"polling", s.poll}, {"fences", s.fences}, {"conditional write", s.class.conditional()}, {"knowing the writer", s.class.writer()}, {"read-back", s.readBack}}
}

// settings is what the configuration file of the service says at a time.
type settings struct {
	// changed: the map has been changed, so that past_due means active.
	changed bool
	// watch: the sync only watches.
	watch bool
	// account is the number of the target's account.
	account int
	// names are those of the file; takenForNew says that the connection which has
	// another one is new.
	names       names
	takenForNew bool
	secrets     []string // those that are accepted
}
