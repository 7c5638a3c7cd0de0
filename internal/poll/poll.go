// Package poll asks a source that can list its changes for those that no
// webhook brought, and stores them like a webhook's events.
//
// Main type: Poller.
//
// Invariants: the cursor passes an event only after that is stored; of several
// nodes one asks at a time.
//
// It must not import the pipeline or a vendor's package.
package poll

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/inbox"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// answerTime is how long one answer of a list of changes may take, with
	// storing what it says.
	answerTime = 45 * time.Second
	// atOnce is how many events are stored together. What is stored of a long answer
	// when its time is over stays: the next attempt has that much less to do.
	atOnce = 100
	// stretchTime is how long answers are asked for under one lease: one more fits
	// into what is left of it.
	stretchTime = answerTime / 2
	// AtStart asks once: what was missed while the service was down.
	AtStart = time.Duration(0)
	// gather is how long further pings are waited for: a tool sends one for each of
	// a hundred changes.
	gather = 2 * time.Second
	// never is longer than any process.
	never = 100 * 365 * 24 * time.Hour
	// tryAgain is the pause after a list could not be asked for.
	tryAgain = 30 * time.Second
	// patience is how long a limit may keep a list from being read on before people
	// are told: it says nothing of the connection, and passes.
	patience = time.Hour
	// copied is how old a list may be when it is answered.
	copied = 15 * time.Second
	// asking tells the exceptions of this package from those of others who call
	// the same connection.
	asking = string(reason.DidPoll)
)

// Store keeps where asking has got to; it is *store.DB.
type Store interface {
	TakeTurn(ctx context.Context, turn store.Turn, every, lease time.Duration) (cursor string, fence int64, ok bool, err error)
	SavePage(ctx context.Context, connection string, fence int64, cursor string, done bool, p store.Page) error
	StopPoll(ctx context.Context, connection string, fence int64, by string, wait time.Duration) error
	LeaveTurn(ctx context.Context, turn store.Turn, fence int64) error
	ListedAt(ctx context.Context, connection string) (time.Time, error)
	OpenException(ctx context.Context, x store.NewException) (id int64, err error)
	CloseExceptions(ctx context.Context, sync, customer string, kind status.Kind, lastAction string) (closed int, err error)
}

// Poller asks one source for its changes, at the start and then every so
// often. Events that a webhook brought as well are repeats.
type Poller struct {
	Connection string
	Every      time.Duration // AtStart: only then
	Changes    connector.Changes
	Store      Store
	Inbox      *inbox.Inbox
	Log        *slog.Logger
	// Barred reports whether the source is not to be asked now; nil is never.
	Barred func(ctx context.Context) (bool, error)
	// Pinged has room for one and is filled by Ping; nil for a source whose webhooks
	// do not ask for that.
	Pinged chan struct{}
	// Listed receives the date of the newest change that a list brought; it may be
	// nil.
	Listed func(ctx context.Context, connection string, newest time.Time) error
	// Syncs are those that read from the connection; each gets the exception
	// when it cannot be asked.
	Syncs []config.Sync

	// limited is since when a limit has let no page be read, zero when none does.
	limited time.Time
	// fresh says that the list was asked for the first time and has brought nothing yet.
	fresh bool
}

// Ping has the source asked soon, before its next turn. What comes while it is
// asked has it asked once more.
func (p *Poller) Ping() {
	select {
	case p.Pinged <- struct{}{}:
	default:
	}
}

// Run asks until ctx ends. The first time it asks even if another node asked just before: that
// node's answer may be older than our start, and the lease of a node that is
// gone lasts for a while. Until it has asked it does not end.
func (p *Poller) Run(ctx context.Context) {
	lately, soon := AtStart, tryAgain
	if p.Every != AtStart {
		soon = min(soon, p.Every)
	}
	for {
		wait := p.Every
		barred, err := p.barred(ctx)
		asked := false
		if err == nil && !barred {
			asked, err = p.Ask(ctx, lately)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait = p.failed(ctx, err)
		case barred:
			wait = soon
		case !asked && lately == AtStart:
			wait = soon
		case p.Every == AtStart && p.Pinged == nil:
			return
		case p.Every == AtStart:
			wait = never
		default:
			// A little less than the interval: the other nodes' timers are not ours.
			lately = p.Every / 2
		}
		pinged, ended := p.rest(ctx, wait)
		if ended {
			return
		}
		if pinged {
			lately = AtStart // what another node asked before does not have it
		}
	}
}

// rest waits for the next turn, or for a ping and what comes with it.
func (p *Poller) rest(ctx context.Context, wait time.Duration) (pinged, ended bool) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false, false
	case <-ctx.Done():
		return false, true
	case <-p.Pinged:
	}
	timer.Reset(gather)
	select {
	case <-timer.C:
	case <-ctx.Done():
		return true, true
	}
	select {
	case <-p.Pinged:
	default:
	}
	return true, false
}

func (p *Poller) barred(ctx context.Context) (bool, error) {
	if p.Barred == nil {
		return false, nil
	}
	return p.Barred(ctx)
}

// Ask stores all changes since the last time. asked is false when there was
// nothing to do, because another node is asking or has asked lately, and when
// another went on in our place.
func (p *Poller) Ask(ctx context.Context, lately time.Duration) (asked bool, err error) {
	w := &walk{Poller: p, resumed: true}
	for {
		done, ours, err := w.stretch(ctx, lately)
		if err != nil || !ours {
			return false, err
		}
		if done {
			return true, w.calm(ctx)
		}
	}
}

// walk is one asking: as many answers as it takes until there is no more.
type walk struct {
	*Poller
	circle connector.Circle
	// resumed is true until the first answer: the cursor may be an old one.
	resumed bool
	anew    bool      // the next answer is the first of a list that is begun again
	newest  time.Time // change that an answer brought
}

// stretch asks for as many answers as one lease lasts. ours is false when another
// node has the turn, and done true when there is no more to ask for.
func (w *walk) stretch(ctx context.Context, lately time.Duration) (done, ours bool, err error) {
	turn := store.ChangesOf(w.Connection)
	cursor, fence, ok, err := w.Store.TakeTurn(ctx, turn, lately, 2*answerTime)
	if err != nil || !ok {
		return false, false, err
	}
	w.fresh = w.fresh || cursor == "" // what the first asking saw comes as new with the next one
	began := time.Now()
	defer func() { // the next attempt, here or on another node, need not wait for the lease
		ends := context.WithoutCancel(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			f := connector.FailureOf(err)
			err = errors.Join(err, w.Store.StopPoll(ends, w.Connection, fence, string(f.Kind), w.pause(f)))
		case err != nil || ours && !done:
			err = errors.Join(err, w.Store.LeaveTurn(ends, turn, fence))
		}
	}()
	// What this asking brings has changed since the one before began, which may
	// have been answered from a copy.
	listed, err := w.Store.ListedAt(ctx, w.Connection)
	if err != nil {
		return false, false, err
	}
	if !listed.IsZero() {
		listed = listed.Add(-copied)
	}
	for time.Since(began) < stretchTime {
		if w.circle.Turn(cursor) {
			return false, false, connector.Endless()
		}
		next, more, had, err := w.page(ctx, cursor, listed)
		if err != nil {
			again, ok := connector.Anew(cursor)
			if !ok || !w.resumed || !connector.FailureOf(err).Anew {
				return false, false, err
			}
			w.Log.Warn("the list is begun again: it cannot be gone on with where it was left", slog.String("connection", w.Connection), slog.Any("error", err))
			cursor, w.resumed, w.anew, w.circle = again, false, true, connector.Circle{}
			continue
		}
		first := w.resumed || w.anew
		had.Anew, w.anew = w.anew, false
		cursor, w.resumed = next, false
		if !more && w.Listed != nil && !w.newest.IsZero() {
			if w.fresh {
				w.fresh = false
			} else if err := w.Listed(ctx, w.Connection, w.newest); err != nil {
				return false, false, err
			}
		}
		// The events are stored; only then may the cursor pass them.
		if err := w.Store.SavePage(ctx, w.Connection, fence, cursor, !more, had); err != nil {
			if errors.Is(err, store.ErrFenced) {
				return false, false, nil
			}
			return false, false, err
		}
		w.limited = time.Time{}
		if !more {
			return true, true, nil
		}
		if first && !had.Anew { // the rest may take days; a list that is begun again may fail again at its end
			if err := w.calm(ctx); err != nil {
				return false, false, err
			}
		}
	}
	return false, true, nil
}

// calm closes what an asking that failed has told people.
func (p *Poller) calm(ctx context.Context) error {
	for _, s := range p.Syncs {
		if _, err := p.Store.CloseExceptions(ctx, s.Name, "", status.ConnectionFailed, asking); err != nil {
			return err
		}
	}
	return nil
}

// page asks for one answer and stores its events.
func (w *walk) page(ctx context.Context, cursor string, listed time.Time) (next string, more bool, had store.Page, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	readings, next, more, err := w.Changes.Since(connector.WithCount(ctx, func(n int) { had.Records += n }), cursor)
	if err != nil {
		return "", false, had, err
	}
	for i := range readings {
		readings[i].Event.UnchangedAt = later(readings[i].Event.UnchangedAt, listed)
	}
	accepted, duplicates := 0, 0
	for some := range slices.Chunk(readings, atOnce) {
		a, d, err := w.Inbox.Store(ctx, w.Connection, some)
		if err != nil {
			return "", false, had, err
		}
		accepted, duplicates = accepted+a, duplicates+d
	}
	if len(readings) > 0 {
		w.Log.Info("changes asked for", slog.String("connection", w.Connection), slog.Int("accepted", accepted), slog.Int("duplicates", duplicates))
	}
	// Just before its position, a list gives again what it had before.
	if newest := newestOf(readings); accepted > 0 && newest.After(w.place(cursor)) {
		w.newest = later(w.newest, newest)
	}
	had.From, had.Changes = w.place(next), accepted
	return next, more, had, nil
}

// place is the time that a cursor stands at, zero when it has none.
func (p *Poller) place(cursor string) time.Time {
	if placed, ok := p.Changes.(connector.Placed); ok {
		return placed.Place(cursor)
	}
	return time.Time{}
}

// newestOf is the date of the newest change of an answer, zero when none has one.
func newestOf(readings []connector.Reading) (newest time.Time) {
	for _, r := range readings {
		if r.Err == nil {
			newest = later(newest, later(r.Event.OccurredAt, r.Listed))
		}
	}
	return newest
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// failed reports why a source could not be asked and returns when to try again.
// Of a limit people are told only when it lasts: status has it at once.
func (p *Poller) failed(ctx context.Context, err error) time.Duration {
	f := connector.FailureOf(err)
	p.Log.Warn("changes could not be asked for", slog.String("connection", p.Connection), slog.String("failure", string(f.Kind)), slog.Any("error", err))
	if f.Kind == connector.RateLimited && p.limited.IsZero() {
		p.limited = time.Now()
	}
	if f.Kind == connector.RateLimited && time.Since(p.limited) < patience {
		return p.pause(f)
	}
	for _, s := range p.Syncs {
		_, openErr := p.Store.OpenException(ctx, store.NewException{Sync: s.Name, Kind: status.ConnectionFailed, Stage: status.StageReceive,
			Reason: reason.Reason{Code: reason.ConnectionFails,
				Facts: reason.Facts{Doing: reason.Polling, Connection: p.Connection, Detail: f.Error()}},
			LastAction: asking, Confidence: 1, Owner: s.Owner(status.ConnectionFailed)})
		if openErr != nil {
			p.Log.Error("open an exception", slog.String("sync", s.Name), slog.Any("error", openErr))
		}
	}
	return p.pause(f)
}

// pause is how long nobody is asked after a failure.
func (p *Poller) pause(f *connector.Failure) time.Duration {
	wait := max(f.RetryAfter, tryAgain)
	if p.Every > 0 {
		wait = max(f.RetryAfter, min(wait, p.Every))
	}
	return wait
}
