package sim

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
)

// The calls to the two tools.
const (
	opSourceRead = "read source"
	opSourceList = "list changes"
	opFind       = "find"
	opRead       = "read target"
	opWrite      = "write"
	opStaleRead  = "stale read"
)

// callSteps are the faults that the next call of a kind meets.
var callSteps = map[string]happens{
	"call 401":        answerStep(401, 2, opSourceRead, opFind, opRead, opWrite),
	"call 404":        answerStep(404, 2, opSourceRead, opRead, opWrite),
	"call 409":        answerStep(409, 2, opWrite, opRead),
	"call 412":        answerStep(412, 1, opWrite),
	"call 422":        answerStep(422, 2, opFind, opWrite),
	"call 429":        answerStep(429, 3, opSourceRead, opSourceList, opFind, opRead, opWrite),
	"call 500":        answerStep(500, 4, opSourceRead, opSourceList, opFind, opRead, opWrite),
	"call 503":        answerStep(503, 2, opSourceRead, opFind, opRead, opWrite),
	"call html":       answerStep(200, 2, opSourceRead, opFind, opRead, opWrite),
	"effect then 5xx": writeStep(3),
	"effect now":      writeStep(6), // the answer is lost
	"effect later":    writeStep(6),
	"effect never":    writeStep(4),
	"effect html":     writeStep(2),
	// The write arrives with a 502, nobody can look for a while, and meanwhile a
	// person puts back what was there.
	"effect put back": writeStep(5),
	"tool down": {weight: 3, draw: func(r *rand.Rand, _ setting, s *Step) {
		s.Op, s.N = one(r, opSourceRead, opFind, opRead, opWrite, opWrite), 30_000+r.Int64N(1_200_000)
	}, run: func(w *world, s Step) { w.down[s.Op] = w.now + s.N }},
	"stale read": {weight: 4, run: arm, draw: func(r *rand.Rand, _ setting, s *Step) {
		s.Op, s.N = opStaleRead, 500+r.Int64N(4500)
	}},
}

// answerStep lets calls be answered with a status instead of being done.
func answerStep(code int64, weight int, ops ...string) happens {
	return happens{weight: weight, run: armSome, draw: func(r *rand.Rand, _ setting, s *Step) {
		s.Op, s.Value, s.N = one(r, ops...), "", code
		if r.IntN(3) == 0 {
			s.Value = one(r, "twice", "often", "often")
		}
	}}
}

// writeStep hides from the sender what became of a write.
func writeStep(weight int) happens {
	return happens{weight: weight, run: armSome, draw: func(r *rand.Rand, _ setting, s *Step) {
		s.Op, s.N = opWrite, 1000+r.Int64N(240_000)
		if r.IntN(4) == 0 {
			s.Value = "twice"
		}
	}}
}

// arm lets the next call that fits meet the fault.
func arm(w *world, s Step) { w.armed = append(w.armed, s) }

func armSome(w *world, s Step) {
	for range map[string]int{"": 1, "twice": 2, "often": 11}[s.Value] {
		arm(w, s)
	}
}

// take returns the first fault that waits for the call and disarms it.
func (w *world) take(op, _ string) (Step, bool) {
	if w.now < w.down[op] {
		return Step{Kind: "tool down", Op: op, N: http.StatusServiceUnavailable}, true
	}
	if s, beyond := w.cutOff(op); beyond {
		return s, true
	}
	i := slices.IndexFunc(w.armed, func(s Step) bool { return s.Op == op })
	if i < 0 {
		return Step{}, false
	}
	s := w.armed[i]
	w.armed = slices.Delete(w.armed, i, i+1)
	return s, true
}

// errDead is what a coroutine of a crashed node gets from every call: its
// answer reaches nobody.
var errDead = errors.New("the node has crashed")

// patience is how long a client waits for an answer, as connections do unless
// they are told otherwise.
const patience = 10_000

type deadlineKey struct{}

// timeout bounds an attempt by the world's clock.
func (w *world) timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithValue(ctx, deadlineKey{}, w.now+d.Milliseconds()), func() {}
}

// within is a time of a call, cut to what is left until the deadline.
func within(ctx context.Context, now, ms int64) int64 {
	if at, ok := ctx.Value(deadlineKey{}).(int64); ok {
		ms = min(ms, at-now)
	}
	return max(ms, 1)
}

// late reports whether the context's deadline has passed, or has come because the
// node lost what it held.
func late(ctx context.Context, now int64) bool {
	at, ok := ctx.Value(deadlineKey{}).(int64)
	return ok && now >= at || lost(ctx)
}

// call makes a reading call: it travels there, is answered, and travels back.
func (w *world) call(ctx context.Context, op, who string, do func(*task) error) error {
	t := w.current
	if err := w.turn(ctx, op); err != nil {
		return err
	}
	if !t.pass("before "+op, within(ctx, w.now, w.latency())) {
		return errDead
	}
	if late(ctx, w.now) {
		return outOfTime()
	}
	var err error
	if fault, ok := w.take(op, who); ok {
		w.coverage.hit("fault", fault.Kind)
		err = fault.answer(t, false)
	} else {
		err = do(t)
	}
	w.note(op, t.customer(), outcomeOf(err), 0)
	back := w.latency()
	cut := within(ctx, w.now, back) < back
	if !t.pass("after "+op, within(ctx, w.now, back)) {
		return errDead
	}
	if cut {
		return outOfTime()
	}
	return err
}

func outOfTime() error {
	return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Detail: "the call ran out of time", Err: context.DeadlineExceeded}
}

// answer is what a call is told that meets the fault.
func (s Step) answer(t *task, write bool) error {
	err := failure(write, int(s.N), s.page())
	switch s.Kind {
	case "gateway's 404":
		t.page = true
	case "call 404":
		t.page = false // the tool itself says so, whatever a gateway said of a call before
	case "call 429 without a time":
		connector.FailureOf(err).RetryAfter = 0
	}
	return err
}

// page is the body of a web page, nil for other faults.
func (s Step) page() []byte {
	if s.Kind == "call html" || s.Kind == "effect html" || s.Kind == "gateway's 404" {
		return []byte("<!doctype html><title>Please log in</title>")
	}
	return nil
}

// transmit sends a write and waits for its answer.
func (f follows) transmit(ctx context.Context, t *task, s *sending) error {
	w := f.world
	fault, broken := w.take(opWrite, "")
	if broken {
		w.coverage.hit("fault", fault.Kind)
	}
	there, back := w.latency(), w.latency()
	kind := fault.Kind
	w.sendings = append(w.sendings, s)
	w.note(opWrite, t.customer(), s.record.ID+" <- "+s.value+" "+kind, int64(s.version))
	effect := kind == "" || kind == "effect now" || kind == "effect html" || kind == "effect then 5xx" || kind == "effect put back"
	var lost error // what the sender is told instead of the truth
	switch kind {
	case "":
	case "effect now", "effect later", "effect never":
		back = patience
		lost = &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Detail: "the tool did not answer in time"}
	case "effect then 5xx":
		lost = failure(true, 502, nil)
	case "effect put back":
		lost = failure(true, 502, nil)
		w.down[opRead] = max(w.down[opRead], w.now+there+8000)
		w.after(there+4500, func() { w.target.putBack(s) })
	case "effect html":
		lost = failure(true, 200, fault.page())
	default:
		lost = fault.answer(t, true)
	}
	if kind == "effect later" {
		s.late = true
		w.after(there+fault.N, func() { f.arrive(s) })
	} else if effect {
		s.late = within(ctx, w.now, there) < there // the sender has given up by then
		w.after(there, func() { f.arrive(s) })
	}
	// The effect stands on its own: the sender may crash meanwhile.
	if !t.pass("while sending", within(ctx, w.now, there)) || !t.pass("while waiting for the answer", within(ctx, w.now, back)) {
		return errDead
	}
	switch {
	case lost != nil:
		return lost
	case late(ctx, w.now):
		return outOfTime()
	}
	return s.answer
}

// failure is what the connectors make of an answer; nil when it is none.
func failure(write bool, code int, body []byte) error {
	if f := rest.Classify(write, code, http.Header{}, body, retryAfter(code)); f != nil {
		return f
	}
	return nil
}

func retryAfter(code int) time.Duration {
	if code == http.StatusTooManyRequests {
		return 20 * time.Second
	}
	return 0
}

func gone() error { return failure(false, 404, nil) }

func outcomeOf(err error) string {
	if err == nil {
		return "ok"
	}
	return string(connector.FailureOf(err).Kind)
}
