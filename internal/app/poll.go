package app

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"trueup/internal/config"
	"trueup/internal/connector"
	"trueup/internal/inbox"
	"trueup/internal/status"
	"trueup/internal/store"
)

const (
	// answerTime is how long one answer of a list of changes may take, with
	// storing what it says.
	answerTime = 45 * time.Second
	// atStart asks once: what was missed while the service was down.
	atStart = time.Duration(0)
	// tryAgain is the pause after a list could not be asked for.
	tryAgain = 30 * time.Second
)

// poller asks one source for its changes, at the start and then every so
// often. Events that a webhook brought as well are repeats.
type poller struct {
	name    string
	every   time.Duration // atStart: only then
	changes connector.Changes
	db      *store.DB
	inbox   *inbox.Inbox
	log     *slog.Logger
	// syncs are those that read from the connection; each gets the exception
	// when it cannot be asked.
	syncs []config.Sync
}

// pollers returns one for each source that can list its changes.
func pollers(cfg *config.Config, conns map[string]connector.Connection, db *store.DB, in *inbox.Inbox, log *slog.Logger) []*poller {
	by := map[string]*poller{}
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		s := cfg.Syncs[name]
		c := conns[s.Source.Connection]
		if c.Changes == nil {
			continue
		}
		p, ok := by[c.Name]
		if !ok {
			p = &poller{name: c.Name, changes: c.Changes, db: db, inbox: in, log: log}
			by[c.Name] = p
		}
		p.syncs = append(p.syncs, s)
		if s.Source.Poll > 0 && (p.every == atStart || s.Source.Poll < p.every) {
			p.every = s.Source.Poll
		}
	}
	return slices.Collect(maps.Values(by))
}

func (p *poller) run(ctx context.Context) {
	for {
		wait := p.every
		err := p.ask(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait = p.failed(ctx, err)
		case wait == atStart:
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// ask stores all changes since the last time. Another node may be asking; then
// there is nothing to do.
func (p *poller) ask(ctx context.Context) error {
	// A little less than the interval: the other nodes' timers are not ours.
	cursor, fence, ok, err := p.db.LeaseCursor(ctx, p.name, p.every/2, 2*answerTime)
	if err != nil || !ok {
		return err
	}
	for {
		next, more, err := p.page(ctx, cursor)
		if err != nil {
			return errors.Join(err, p.db.ReleaseCursor(context.WithoutCancel(ctx), p.name, fence))
		}
		cursor = next
		// The events are stored; only then may the cursor pass them.
		if err := p.db.SaveCursor(ctx, p.name, fence, cursor, !more); err != nil {
			if errors.Is(err, store.ErrFenced) {
				return nil // another node went on in our place
			}
			return err
		}
		if !more {
			break
		}
	}
	for _, s := range p.syncs {
		if _, err := p.db.CloseExceptions(ctx, s.Name, "", status.ConnectionFailed); err != nil {
			return err
		}
	}
	return nil
}

// page asks for one answer and stores its events.
func (p *poller) page(ctx context.Context, cursor string) (next string, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	readings, next, more, err := p.changes.Since(ctx, cursor)
	if err != nil {
		return "", false, err
	}
	accepted, duplicates, err := p.inbox.Store(ctx, p.name, readings)
	if err != nil {
		return "", false, err
	}
	if len(readings) > 0 {
		p.log.Info("changes asked for", slog.String("connection", p.name), slog.Int("accepted", accepted), slog.Int("duplicates", duplicates))
	}
	return next, more, nil
}

// failed reports why a source could not be asked and returns when to try again.
func (p *poller) failed(ctx context.Context, err error) time.Duration {
	f := connector.FailureOf(err)
	p.log.Warn("changes could not be asked for", slog.String("connection", p.name), slog.String("failure", string(f.Kind)), slog.Any("error", err))
	for _, s := range p.syncs {
		_, openErr := p.db.OpenException(ctx, store.NewException{Sync: s.Name, Kind: status.ConnectionFailed, Stage: status.StageReceive,
			Reason:     "asking " + p.name + " for its changes: " + f.Error() + "; check the connection with trueup check --live; it is tried again by itself",
			LastAction: "asked for changes", Confidence: 1, Owner: s.Owner(status.ConnectionFailed)})
		if openErr != nil {
			p.log.Error("open an exception", slog.String("sync", s.Name), slog.Any("error", openErr))
		}
	}
	wait := max(f.RetryAfter, tryAgain)
	if p.every > 0 {
		wait = max(f.RetryAfter, min(wait, p.every))
	}
	return wait
}
