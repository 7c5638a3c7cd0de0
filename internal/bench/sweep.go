package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"time"
)

// sweepOneIn is how many customers there are for each that differs.
const sweepOneIn = 100

// A webhook comes every so often meanwhile, and the bare pages are read again until some have
// come: a few pages take less than the time between two.
const (
	every   = 20 * time.Millisecond
	atLeast = 20 * every
)

// sweep measures a full comparison of both sides of which nothing is known yet, by trueup
// plan beside the running service, and how long webhooks wait meanwhile.
func sweep(ctx context.Context, b *bench, e engine) ([]Row, error) {
	return b.withWorld(ctx, e, b.sweep, sweepOneIn, "", func(w *world) ([]Row, error) {
		b.say(e, "compare %d customers on both sides", b.sweep)
		var planned Figure
		meanwhile, err := w.meanwhile(ctx, w.trueup, func() (err error) {
			planned, err = b.plan(ctx, w)
			return err
		})
		if err != nil {
			return nil, err
		}
		client := &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
		defer client.CloseIdleConnections()
		var bare Figure
		bareMeanwhile, err := w.meanwhile(ctx, w.bare, func() error {
			began, times := time.Now(), 0
			for times == 0 || time.Since(began) < atLeast {
				for _, list := range []string{"/billing/customers", "/crm/contacts"} {
					if n, err := barePages(ctx, client, w.bare.tools.url+list); err != nil || n != b.sweep {
						return errors.Join(err, fmt.Errorf("%d records were listed, not %d", n, b.sweep))
					}
				}
				times++
			}
			bare = timed(times*b.sweep, time.Since(began), nil, 0)
			return nil
		})
		if err != nil {
			return nil, err
		}
		return []Row{
			beside(fmt.Sprintf("sweep of %d customers", b.sweep), "/s", planned, "the same pages, read as JSON and dropped", bare, ""),
			beside("accept in the sweep, p99", "ms", meanwhile, "the bare handler while the pages are read", bareMeanwhile, "50 a second, from one sender"),
		}, nil
	})
}

// meanwhile does something while webhooks come at a steady pace; the figure is how long
// they waited.
func (w *world) meanwhile(ctx context.Context, s side, do func() error) (Figure, error) {
	sending, done := context.WithCancel(ctx)
	defer done()
	type ended struct {
		sent
		err error
	}
	all := make(chan ended, 1)
	l := w.load(s, hooks, 1, 1<<30, func(i int) []byte { return w.unchanged(s, i) })
	l.every, l.until = every, sending
	go func() {
		r, err := l.send(ctx)
		all <- ended{r, err}
	}()
	err := do()
	done()
	r := <-all
	f := timed(r.n, r.took, r.calls, 0)
	f.Value = f.P99Ms
	return f, errors.Join(err, r.err)
}

// exitPerson is how trueup plan ends when something would change.
const exitPerson = 3

// plan compares both sides with trueup plan.
func (b *bench) plan(ctx context.Context, w *world) (Figure, error) {
	cmd := b.Command(ctx, "plan", syncName, "-c", w.path, "--json")
	began := time.Now()
	out, err := cmd.Output()
	took := time.Since(began)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == exitPerson {
		err = nil
	}
	if err != nil {
		return Figure{}, fmt.Errorf("trueup plan: %w: %s", err, out)
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return timed(b.sweep, took, nil, cpu), nil
}
