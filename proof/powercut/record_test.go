package powercut

import (
	"context"
	"errors"
	"fmt"

	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
)

// record is a history that was lived to its end without a cut: what each of its
// cuts is measured by.
type record struct {
	history
	first      *Disk
	before     string   // the rows that it began with
	states     []string // the rows before each step, and at the end
	memories   []memory // what the caller knew before each step, and at the end
	operations int
}

// lost is an acknowledged call that is not there any more.
type lost struct{ call, state string }

func (e lost) Error() string {
	return fmt.Sprintf("%q was acknowledged, and the disk holds what stood before %q", e.call, e.state)
}

func newRecord(ctx context.Context, dir string, h history) (*record, error) {
	r := &record{history: h, first: NewDisk(dir)}
	var err error
	if r.before, err = raw(ctx, r.first); err != nil {
		return nil, err
	}
	l := r.born(ctx, r.first.PowerOn(Keeps, nil), "")
	defer l.disk.Discard()
	r.states, r.memories = []string{r.before}, []memory{l.memory.clone()}
	for i := range h.steps {
		if _, err := l.live(h.steps[:i+1], i); err != nil {
			return nil, err
		}
		state, err := l.Rows(ctx)
		if err != nil {
			return nil, err
		}
		r.states, r.memories = append(r.states, state), append(r.memories, l.memory.clone())
	}
	if err := l.stop(); err != nil {
		return nil, err
	}
	r.operations = l.disk.Operations()
	return r, nil
}

// born begins a life on a disk, with nothing learned yet.
func (r *record) born(ctx context.Context, d *Disk, weaken string) *life {
	open := func(now func() time.Time) (*Machine, error) { return Start(ctx, d, now, weaken) }
	return &life{ctx: ctx, open: open, disk: d, memory: newMemory()}
}

// cut is a history that a power cut has ended.
type cut struct {
	at   int   // the operation
	left *Disk // as the cut leaves it
	// So many steps were acknowledged, and so many begun.
	least, most int
}

// cut lives the history to a cut at an operation.
func (r *record) cut(ctx context.Context, at int, weaken string) (cut, error) {
	l := r.born(ctx, r.first.PowerOn(Keeps, nil), weaken)
	l.disk.CutAt(at)
	done, err := l.live(r.steps, 0)
	off := l.disk.Off()
	stopped := l.stop() // with the power off, whatever it says is said to nobody
	switch {
	case err != nil && !off:
		err = fmt.Errorf("with the power on: %w", err)
	case !l.disk.Off():
		err = errors.Join(errors.New("the history ended before the cut"), stopped)
	default:
		return cut{at, l.disk, done, min(done+1, len(r.steps))}, nil
	}
	l.disk.Discard()
	return cut{}, err
}

// after starts on what a cut has left, with so many steps acknowledged, and so
// many begun. It returns the new life and how many steps the disk holds.
func (r *record) after(ctx context.Context, d *Disk, least, most int) (*life, int, error) {
	if least == 0 {
		if err := r.schemaIsOldOrNew(ctx, d); err != nil {
			return nil, 0, err
		}
		least, most = 1, 1 // the start migrates
	}
	l := r.born(ctx, d, "")
	if _, err := l.live(r.steps[:1], 0); err != nil {
		return nil, 0, fmt.Errorf("after the cut: %w", err)
	}
	state, err := l.Rows(ctx)
	if err != nil {
		return nil, 0, errors.Join(err, l.stop())
	}
	for p := least; p <= most; p++ {
		if state == r.states[p] {
			l.memory = r.memories[p].clone()
			return l, p, nil
		}
	}
	return nil, 0, errors.Join(r.explain(state, least), l.stop())
}

func (r *record) explain(state string, least int) error {
	for p := least - 1; p >= 0; p-- {
		if state == r.states[p] {
			return lost{call: r.steps[least-1].name, state: r.steps[p].name}
		}
	}
	diff := cmp.Diff(strings.Split(r.states[least], "\n"), strings.Split(state, "\n"))
	return fmt.Errorf("the disk holds what never stood (- after %q):\n%s", r.steps[least-1].name, diff)
}

func (r *record) schemaIsOldOrNew(ctx context.Context, d *Disk) error {
	found, err := raw(ctx, d)
	if err != nil {
		return fmt.Errorf("look at the schema: %w", err)
	}
	if found != r.before && found != r.states[1] {
		return fmt.Errorf("the schema is between two versions:\n%s", cmp.Diff(r.states[1], found))
	}
	return nil
}

// goOn lives the rest of a history and checks that it ends as without a cut.
func (r *record) goOn(l *life, p int) error {
	if _, err := l.live(r.steps, p); err != nil {
		return errors.Join(fmt.Errorf("going on: %w", err), l.stop())
	}
	state, err := l.Rows(l.ctx)
	if err := errors.Join(err, l.stop()); err != nil {
		return fmt.Errorf("going on: %w", err)
	}
	if end := r.states[len(r.steps)]; state != end {
		return fmt.Errorf("going on, it ends otherwise:\n%s", cmp.Diff(strings.Split(end, "\n"), strings.Split(state, "\n")))
	}
	return nil
}
