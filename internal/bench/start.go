package bench

import (
	"context"
	"errors"
	"fmt"
)

// start measures from the start of the program until it is ready, and what it has in memory
// then: with an empty database, and with one that knows many customers.
func start(ctx context.Context, b *bench, e engine) (rows []Row, err error) {
	t, err := newTools(1, 0)
	if err != nil {
		return nil, err
	}
	defer t.close()
	s := newSecret()
	b.say(e, "start the bare program")
	bareReady, bareMemory, err := b.fastest(func() (*program, error) { return b.bare(ctx, t, s) })
	if err != nil {
		return nil, err
	}
	for _, customers := range []int{0, b.start} {
		ready, memory, err := b.startWith(ctx, e, t, s, customers)
		if err != nil {
			return rows, err
		}
		rows = append(rows,
			beside(fmt.Sprintf("start to ready, %d customers", customers), "ms", ready, "the bare program's", bareReady, ""),
			beside(fmt.Sprintf("memory when ready, %d customers", customers), "MB", memory, "the bare program's", bareMemory, ""))
	}
	return rows, nil
}

// startWith starts Trueup on a database of so many customers.
func (b *bench) startWith(ctx context.Context, e engine, t *tools, s secret, customers int) (ready, memory Figure, err error) {
	p, err := b.newPlace(ctx, e)
	if err != nil {
		return ready, memory, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	b.say(e, "make a database of %d customers", customers)
	if err := fill(ctx, e, p.dsn, customers, 0); err != nil {
		return ready, memory, err
	}
	path, err := p.configure(t, s, "")
	if err != nil {
		return ready, memory, err
	}
	b.say(e, "start Trueup with %d customers", customers)
	return b.fastest(func() (*program, error) { return b.trueup(ctx, path) })
}

// fastest starts a program several times, one after the other, and returns how fast it was
// ready at best, and how little it had in memory then.
func (b *bench) fastest(begin func() (*program, error)) (ready, memory Figure, err error) {
	for i := range b.starts {
		p, err := begin()
		if err != nil {
			return ready, memory, err
		}
		now, _ := p.memory()
		if err := p.stop(); err != nil {
			return ready, memory, err
		}
		if took := inMs(p.ready); i == 0 || took < ready.Value {
			ready.Value = took
		}
		if i == 0 || now < memory.Value {
			memory.Value = now
		}
	}
	return ready, memory, nil
}
