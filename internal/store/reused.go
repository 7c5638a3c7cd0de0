package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// Arrival is what happened to an event that was received.
type Arrival int

const (
	// Repeat: it had come before.
	Repeat Arrival = iota
	// Fresh: it is stored.
	Fresh
	// Reused: its id had come before with other content. It is stored under an id
	// of its own as one that cannot be read, with an exception.
	Reused
)

// MostUnread is how many events that cannot be read a sync keeps for the sake of
// their ids: a sender that gives each the same one would fill the database. What
// comes beyond is counted by the exception alone.
const MostUnread = 1000

// reusedMark stands between an id that was used for several events and what tells
// this one from the others.
const reusedMark = "#reused-"

// ApartID is the id under which a stored event is read again: the one that the
// tool gave it, unless that one was kept apart for it.
func ApartID(stored, told string) string {
	if id, _, ok := strings.Cut(stored, reusedMark); ok && id == told {
		return stored
	}
	return told
}

// Repeats reports whether an event says what a stored one of its id says. A
// sender that tries again may word it differently, so what it means is compared.
// What one of them leaves open is no difference: webhook and list of one tool
// tell more or less of the same event.
func (e NewEvent) Repeats(stored Event) bool {
	switch {
	case e.Outcome == status.Ignored, e.ReplayOf > 0: // with it nothing is lost
		return true
	case bytes.Equal(e.Payload, stored.Payload):
		return true
	case (e.Customer == "") != (stored.Customer == ""): // one of them could not be read
		return false
	case e.Customer == "": // it is not known what either means
		return len(stored.Payload) == 0
	case e.Side == SourceSide && e.Customer != stored.Customer && !IsForgotten(stored.Customer):
		// A target's event names a record; which customer's it was then is not known.
		return false
	case e.HasValue && stored.HasValue && e.Value != stored.Value:
		return false
	}
	return e.OccurredAt.IsZero() || stored.OccurredAt.IsZero() || e.OccurredAt.UnixMilli() == stored.OccurredAt.UnixMilli()
}

// Apart is the event as it is kept when its id was used before for something
// else. The same one again has the same id, so that a repeat is recognised.
func (e NewEvent) Apart() NewEvent {
	means := []byte(e.Customer + "\x00" + e.Value + "\x00" + strconv.FormatInt(ms(e.OccurredAt), 10))
	if e.Customer == "" {
		means = e.Payload
	}
	sum := sha256.Sum256(means)
	kept := e
	kept.ID = e.ID + reusedMark + hex.EncodeToString(sum[:8])
	kept.Customer, kept.Value, kept.HasValue = "", "", false
	kept.Outcome, kept.Reason = status.Parked, reason.Reason{Code: reason.EventReused}
	kept.Exception = &NewException{Sync: e.Sync, Kind: status.UnreadableEvent, Stage: status.StageReceive, Confidence: 1, Owner: e.Owner,
		Reason:     reason.Reason{Code: reason.EventReused, Facts: reason.Facts{Event: e.ID, Connection: e.Connection}},
		LastAction: reason.DidStore.With(kept.ID)}
	return kept
}

// again handles an event whose id there is already.
func (t *tx) again(e NewEvent) (Arrival, error) {
	var stored Event
	var unread int
	if err := t.query(func(s scanner) error { return scanEvent(s, &stored, &stored.Payload) },
		"select "+eventColumns+", payload from events where connection = $1 and event_id = $2 and sync = $3", e.Connection, e.ID, e.Sync); err != nil {
		return Repeat, err
	}
	if e.Repeats(stored) {
		return Repeat, t.alsoSent(e)
	}
	kept := e.Apart()
	if err := t.query(func(s scanner) error { return s.Scan(&unread) },
		"select count(*) from (select 1 from events where sync = $1 and customer = '' and outcome = 'parked' limit $2) kept", e.Sync, MostUnread); err != nil {
		return Repeat, err
	}
	if unread >= MostUnread { // the event is not kept, and its exception does not name the customer
		if err := t.mention(e.Sync, "", e.ID); err != nil {
			return Repeat, err
		}
		_, err := t.openException(*kept.Exception)
		return Repeat, err
	}
	arrived, err := t.insert(kept)
	if err != nil || !arrived { // sent again; its customer may have been forgotten since
		return Repeat, err
	}
	return Reused, t.mention(e.Sync, "", e.ID, e.Customer)
}

// alsoSent notes that the tool sent an event that was polled before: its webhooks
// work.
func (t *tx) alsoSent(e NewEvent) error {
	if e.Listed {
		return nil
	}
	_, err := t.exec("update events set listed = 0 where connection = $1 and event_id = $2 and sync = $3 and listed = 1", e.Connection, e.ID, e.Sync)
	return err
}
