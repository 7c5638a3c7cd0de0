package killtest

import (
	"fmt"
	"syscall"
	"time"
)

// Kind is one way to hurt the program.
type Kind struct {
	Name string
	do   func(*round) error
	// zombie says that a program may go on after another took its work.
	zombie bool
}

// Failpoints are the boundaries at which the program can kill itself while it
// works, and while it starts.
var (
	Failpoints = []string{"stored", "claimed", "source_read", "mapped", "matched", "linked", "target_read", "decided", "intent", "sent",
		"confirmed", "settling", "settled"}
	StartFailpoints = []string{"migrated", "listening"}
	// MigrationFailpoints are met on an empty database only.
	MigrationFailpoints = []string{"migrating"}
)

var (
	sudden      = Kind{Name: "SIGKILL at any moment", do: (*round).sudden}
	starting    = Kind{Name: "SIGKILL while it starts", do: (*round).starting}
	ordered     = Kind{Name: "SIGTERM", do: (*round).ordered}
	paused      = Kind{Name: "SIGSTOP, short", do: func(r *round) error { return r.stopped(10*time.Millisecond, 300*time.Millisecond) }}
	overslept   = Kind{Name: "SIGSTOP, longer than the lease", zombie: true, do: func(r *round) error { return r.stopped(lease, 2*lease) }}
	zombie      = Kind{Name: "SIGSTOP, another node works on", zombie: true, do: (*round).zombie}
	severed     = Kind{Name: "cut from PostgreSQL, longer than the lease", zombie: true, do: func(r *round) error { return r.severed(0) }}
	forsaken    = Kind{Name: "cut from PostgreSQL, until its work is taken", zombie: true, do: func(r *round) error { return r.severed(6 * time.Second) }}
	halfway     = Kind{Name: "cut in the middle of COMMIT", do: (*round).halfway}
	unreachable = Kind{Name: "the target breaks off each call", do: (*round).unreachable}
	crash       = Kind{Name: "pg_ctl stop -m immediate", do: (*round).crash}
	tooLong     = Kind{Name: "files may not grow (EFBIG)", do: (*round).tooLong}
	full        = Kind{Name: "disk full (ENOSPC)", do: (*round).full}
	dead        = Kind{Name: "disk dies (EIO), and comes back", do: (*round).dead}
	emptyStart  = Kind{Name: "SIGKILL while it makes the database", do: (*round).starting}
	quietlyMade = Kind{Name: "", do: func(*round) error { return nil }}
)

// openings happen to an empty database.
var openings = []Kind{atFailpoint("migrating", 2), emptyStart, quietlyMade}

// decks are the kinds that rounds are dealt from, and those that each round
// with the engine and the disk has.
func decks(engine string, d disk) (deck, extra []Kind) {
	if engine == Standby {
		return []Kind{sudden, overslept, starting, ordered, paused}, takeOvers
	}
	if engine == Postgres { // first, so that a few rounds meet what several nodes do
		deck = append(deck, zombie, crash, severed, halfway)
	}
	for _, name := range Failpoints {
		deck = append(deck, atFailpoint(name, 25))
	}
	for _, name := range StartFailpoints {
		deck = append(deck, atFailpoint(name, 1))
	}
	deck = append(deck, sudden, starting, ordered, paused, overslept, unreachable)
	switch {
	case engine == Postgres:
		deck = append(deck, forsaken)
	case d == small:
		extra = []Kind{full}
	case d == frail:
		extra = []Kind{dead}
	}
	if engine == SQLite {
		deck = append(deck, tooLong)
	}
	return deck, extra
}

// atFailpoint kills at the n-th time the program comes by, n being at most.
func atFailpoint(name string, at int) Kind {
	return Kind{Name: "SIGKILL at " + name, do: func(r *round) error {
		n, err := r.restart(fmt.Sprintf("%s:%d", name, 1+r.rng.IntN(at)))
		if err != nil {
			return err
		}
		if !r.wait(n.ended) {
			r.odd(breach(7, "it never came to %s", n.armed))
			n.kill()
		}
		return nil
	}}
}

// sudden kills it in the middle of whatever it does.
func (r *round) sudden() error {
	n, err := r.serving()
	if err != nil {
		return err
	}
	r.rest(0, 400*time.Millisecond)
	n.kill()
	return nil
}

// starting kills it before or just after it listens.
func (r *round) starting() error {
	n, err := r.restart("")
	if err != nil {
		return err
	}
	r.rest(0, 80*time.Millisecond)
	n.kill()
	return nil
}

// ordered stops it as an operator does.
func (r *round) ordered() error {
	n, err := r.serving()
	if err != nil {
		return err
	}
	r.rest(0, 300*time.Millisecond)
	r.end(n)
	return nil
}

// stopped lets it stand still for a time.
func (r *round) stopped(least, most time.Duration) error {
	n, err := r.serving()
	if err != nil {
		return err
	}
	r.rest(0, 200*time.Millisecond)
	return r.standStill(n, least, most)
}

// zombie lets it stand still beside another that takes its work over.
func (r *round) zombie() error {
	n, err := r.serving()
	if err != nil {
		return err
	}
	if _, err := r.servingAt((r.slot + 1) % most); err != nil {
		return err
	}
	r.rest(0, 200*time.Millisecond)
	return r.standStill(n, lease+lease/4, 2*lease+lease/2)
}

// crash ends the database under all that listen: one that starts then would end, as it
// should.
func (r *round) crash() error {
	for slot, n := range r.live {
		if n != nil {
			if _, err := r.servingAt(slot); err != nil {
				return err
			}
		}
	}
	n, err := r.serving()
	if err != nil {
		return err
	}
	r.rest(0, 300*time.Millisecond)
	if err := r.cluster.StopAtOnce(); err != nil {
		return err
	}
	r.note("its database is away")
	r.refuses(n, "although its database is away")
	r.note("webhooks are refused")
	if err := r.cluster.Start(); err != nil {
		return err
	}
	r.note("its database is back")
	r.goesOn(n, "after its database came back")
	return nil
}

// severed cuts it from PostgreSQL for longer than its lease, beside another that takes
// its work over. What it had sent arrives afterwards, unless the server gives the
// connections up after a time.
func (r *round) severed(givenUp time.Duration) error {
	n, err := r.serving()
	if err != nil {
		return err
	}
	other, err := r.servingAt((r.slot + 1) % len(r.live))
	if err != nil {
		return err
	}
	r.rest(0, 200*time.Millisecond)
	w := r.wires[r.slot]
	r.sender.unsure.Store(true)
	w.silence()
	if givenUp > 0 {
		// What it had locked is free again before it comes back.
		pause(r.ctx, givenUp)
		r.goesOn(other, "although another node is cut off")
		w.giveUp()
		pause(r.ctx, givenUp)
	}
	r.rest(lease+lease/4, 2*lease+lease/2)
	w.heal()
	r.goesOn(n, "after its connection came back")
	return nil
}

// commitsCut is how many commits are cut in a row of them.
const commitsCut = 6

// halfway cuts its connections when they commit; of every two commits one arrives, and
// nobody is told.
func (r *round) halfway() error {
	n, err := r.serving()
	if err != nil {
		return err
	}
	w := r.wires[r.slot]
	before := w.told()
	r.sender.unsure.Store(true)
	w.breakNext(commitsCut)
	if !r.until(func() bool { return !n.alive() || w.told() >= before+commitsCut }) {
		r.odd(breach(7, "it makes no commits within %s:\n%s", limit, n.log))
	}
	r.goesOn(n, "after its commits were cut")
	return nil
}

// unreachable has the target take writes and break off, or break off at once.
func (r *round) unreachable() error {
	if _, err := r.serving(); err != nil {
		return err
	}
	r.away.Store(true)
	r.rest(100*time.Millisecond, 600*time.Millisecond)
	r.away.Store(false)
	return nil
}

// tooLong refuses to let the files of the database grow, for a while.
func (r *round) tooLong() error {
	n, err := r.serving()
	if err != nil {
		return err
	}
	if err := limitFiles(n.cmd.Process.Pid, uint64(r.rng.IntN(64<<10))); err != nil {
		return err
	}
	r.note("its files may not grow")
	r.refuses(n, "although its files may not grow")
	r.note("webhooks are refused")
	if err := limitFiles(n.cmd.Process.Pid, ^uint64(0)); err != nil {
		return err
	}
	r.goesOn(n, "after its files may grow again")
	return nil
}

// full fills the disk, and makes room again.
func (r *round) full() error {
	n, err := r.serving()
	if err != nil {
		return err
	}
	free, err := fill(r.data)
	if err != nil {
		return err
	}
	r.note("the disk is full")
	r.refuses(n, "although the disk is full")
	r.note("webhooks are refused")
	if err := free(); err != nil {
		return err
	}
	r.goesOn(n, "after there is room again")
	return nil
}

// dead lets the disk die with all that was not synced, and brings it back. The
// program cannot go on with files of a disk that is gone: it is killed.
//
// It stands still while the disk dies: ext4 tells a sync that is under way in
// that moment that all is well, and what it was to sync is gone.
func (r *round) dead() error {
	n, err := r.serving()
	if err != nil {
		return err
	}
	r.rest(0, 300*time.Millisecond)
	n.expect()
	if err := n.halt(); err != nil {
		return err
	}
	if err := shutDown(r.data); err != nil {
		return err
	}
	if err := n.signal(syscall.SIGCONT); err != nil {
		return err
	}
	r.note("the disk is dead")
	r.refuses(n, "although the disk is dead")
	r.note("webhooks are refused")
	n.kill()
	if err := command("umount", r.data); err != nil {
		return err
	}
	return r.disk.again(r.data)
}
