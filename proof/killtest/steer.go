package killtest

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// startAt starts a program in a slot, whose last one has ended.
func (r *round) startAt(slot int, failpoint string) (*node, error) {
	r.reap(slot)
	n, err := startNode(r.binary, r.config(), r.dsns[slot], failpoint)
	if err != nil {
		return nil, err
	}
	r.result.Starts++
	r.mu.Lock()
	r.live[slot] = n
	r.mu.Unlock()
	return n, nil
}

// reap asks how the program in a slot has ended.
func (r *round) reap(slot int) {
	r.mu.Lock()
	n := r.live[slot]
	r.live[slot] = nil
	r.mu.Unlock()
	if n == nil {
		return
	}
	if how := n.strangeEnd(); how != "" {
		r.odd(breach(7, "it ended by itself: %s", how))
	}
}

// restart ends what runs in the slot, and starts the program anew.
func (r *round) restart(failpoint string) (*node, error) {
	if n := r.live[r.slot]; n != nil {
		n.kill()
	}
	return r.startAt(r.slot, failpoint)
}

// serving returns the slot's program once it listens.
func (r *round) serving() (*node, error) { return r.servingAt(r.slot) }

func (r *round) servingAt(slot int) (*node, error) {
	n := r.live[slot]
	if n == nil || !n.alive() {
		var err error
		if n, err = r.startAt(slot, ""); err != nil {
			return nil, err
		}
	}
	select {
	case <-n.running:
		return n, nil
	case <-n.ended:
		return nil, errOver
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	case <-time.After(limit):
		r.odd(breach(7, "it does not listen after %s:\n%s", limit, n.log))
		return nil, errOver
	}
}

// errOver ends the storm: a program has ended that should not have, of which
// reap tells, or it is of no use any more.
var errOver = errors.New("there is nothing left to hurt")

// signal sends a signal to a program that should be running.
func (n *node) signal(s syscall.Signal) error {
	err := n.cmd.Process.Signal(s)
	if errors.Is(err, os.ErrProcessDone) {
		return errOver
	}
	return err
}

// address is a program that listens, now one and now the other.
func (r *round) address() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []string
	for _, n := range r.live {
		if n != nil && n.address() != "" {
			found = append(found, n.address())
		}
	}
	if len(found) == 0 {
		return ""
	}
	return found[int(r.sender.posted.Load())%len(found)]
}

// wait waits until something has happened, and reports whether it did.
func (r *round) wait(happened <-chan struct{}) bool {
	select {
	case <-happened:
		return true
	case <-r.ctx.Done():
	case <-time.After(limit):
	}
	return false
}

// until waits until something is so, and reports whether it became so.
func (r *round) until(so func() bool) bool {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	over := time.After(limit)
	for !so() {
		select {
		case <-ticker.C:
		case <-r.ctx.Done():
			return false
		case <-over:
			return false
		}
	}
	return true
}

// rest lets the load go on for a time.
func (r *round) rest(least, most time.Duration) {
	pause(r.ctx, least+time.Duration(r.rng.Int64N(int64(most-least))))
}

// end stops a program in order.
func (r *round) end(n *node) {
	n.expect()
	if !n.alive() {
		return
	}
	n.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	if !r.wait(n.ended) {
		r.odd(breach(7, "it does not stop within %s:\n%s", limit, n.log))
		n.kill()
	} else if code := n.cmd.ProcessState.ExitCode(); code != 0 {
		r.odd(breach(7, "it stops with %s:\n%s", n.cmd.ProcessState, n.log))
	}
}

// standStill stops a program for a time, and lets it go on.
func (r *round) standStill(n *node, least, most time.Duration) error {
	if err := n.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	r.rest(least, most)
	return n.signal(syscall.SIGCONT)
}

// few is how many answers show how the program behaves.
const few = 3

// refuses waits until webhooks are refused, as they must be.
func (r *round) refuses(n *node, although string) {
	before := r.sender.refused.Load()
	if !r.until(func() bool { return !n.alive() || r.sender.refused.Load() >= before+few }) {
		r.odd(breach(6, "no webhook is refused within %s %s", limit, although))
	}
}

// goesOn waits until the same program acknowledges events again.
func (r *round) goesOn(n *node, after string) {
	before := r.sender.acknowledged.Load()
	if !r.until(func() bool { return !n.alive() || r.sender.acknowledged.Load() >= before+few }) {
		r.odd(breach(7, "no webhook is acknowledged within %s %s:\n%s", limit, after, n.log))
	}
	r.note("it goes on")
}

// alive reports whether any program is.
func (r *round) alive() bool {
	for _, n := range r.live {
		if n != nil && n.alive() {
			return true
		}
	}
	return false
}

// killAll ends what is left.
func (r *round) killAll() {
	for _, n := range r.live {
		if n != nil {
			n.kill()
		}
	}
}
