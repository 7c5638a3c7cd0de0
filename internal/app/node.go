package app

import (
	"context"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/trueup-sync/trueup/internal/overview"
)

// nodeName names this process for people: the machine, and the port it is
// reached at.
func nodeName(listener net.Listener) string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "a machine without a name"
	}
	if _, port, err := net.SplitHostPort(listener.Addr().String()); err == nil {
		host = net.JoinHostPort(host, port)
	}
	return host
}

// leaving bounds a last word to the database.
const leaving = 5 * time.Second

// heartbeat records that this process is running. If it cannot, others see a
// process that was not seen lately.
func (a *App) heartbeat(ctx context.Context) error { return a.store.SeeNode(ctx, a.seenAs()) }

// leave records that this process has stopped in order.
func (a *App) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaving)
	defer cancel()
	a.warn(ctx, "could not record that this process is stopping", a.store.LeaveNode(ctx, a.node))
}

func (a *App) warn(ctx context.Context, doing string, err error) {
	if err != nil && ctx.Err() == nil {
		a.log.Warn(doing, slog.Any("error", err))
	}
}

// saveBudgets tells the other nodes, and the commands, what the tools said
// last.
func (a *App) saveBudgets(ctx context.Context) error {
	for name, gate := range a.wiring.Load().conns.gates {
		left, limit, age := gate.Budget()
		if limit == 0 || age > 2*overview.SeenEvery { // that was noted before
			continue
		}
		if err := a.store.SaveBudget(ctx, name, left, limit, age); err != nil {
			return err
		}
	}
	return nil
}
