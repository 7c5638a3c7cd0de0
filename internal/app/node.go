package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"trueup/internal/contract"
	"trueup/internal/overview"
	"trueup/internal/report"
	"trueup/internal/web"
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

// leaving bounds how long a stop waits for its last word.
const leaving = 5 * time.Second

// heartbeat says from time to time that this process works, until ctx ends, and
// takes its name back then. A word that cannot be said does no harm: others
// see that it was not seen.
func (a *App) heartbeat(ctx context.Context) {
	ticker := time.NewTicker(overview.SeenEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			a.warn(ctx, "record that this process is running", a.store.SeeNode(ctx, a.seenAs()))
			a.warn(ctx, "record a tool's daily quota", a.saveBudgets(ctx))
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaving)
			defer cancel()
			a.warn(ctx, "record that this process is stopping", a.store.LeaveNode(ctx, a.node))
			return
		}
	}
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

// syncLines says how each sync stands, for the first page.
func (a *App) syncLines(ctx context.Context) ([]web.SyncLine, error) {
	rows, err := overview.Syncs(ctx, a.store, a.wiring.Load().config.Syncs)
	if err != nil {
		return nil, err
	}
	var lines []web.SyncLine
	for _, row := range rows {
		line := web.SyncLine{Name: row.Sync, Mode: row.Mode, Compared: "never", LastLook: lastLook(row.Agreement), Waiting: row.WaitingCustomers, Held: row.Held}
		if len(row.Sweeps) > 0 {
			line.Compared = report.Percent(row.Sweeps[0].Agreement)
			if row.Sweeps[0].Stale {
				line.Compared += ", before the file changed"
			}
		}
		if len(row.AccountMoved) > 0 {
			line.Stopped = "Nothing is synced: the links belong to a different account than the one in the file."
		}
		for _, n := range row.OpenExceptions {
			line.Exceptions += n
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// lastLook is agreement by the last look at each, for the first page.
func lastLook(a contract.Agreement) string {
	text := report.Percent(a.Share)
	if n := a.Remapped + a.Stale; n > 0 {
		text += fmt.Sprintf(", %d read before the file changed", n)
	}
	return text
}
