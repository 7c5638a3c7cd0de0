package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/replay"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func (s *server) eventRoutes() {
	route(s, store.Viewer, get("list-events", "/events", "List received events", "Latest first, without their payloads."), s.listEvents)
	route(s, store.Viewer, get("get-event", "/events/{seq}", "Show one event",
		"For the role admin, with its payload as the tool sent it, which may contain personal data; without the payload for other roles."), s.getEvent)
	route(s, store.Operator, huma.Operation{OperationID: "replay-event", Method: http.MethodPost, Path: "/events/{seq}/replay",
		Summary: "Replay an event with the current map",
		Description: "The event is stored once more and its customer is checked: a source that can be read is read again, and an event older than the latest one processed ends as superseded. " +
			"An event that could not be read when it arrived is read with the current configuration. An event that cannot be replayed is refused with 409."}, s.replayEvent)
}

// ReplayRequest is how to replay an event.
type ReplayRequest struct {
	DryRun bool   `json:"dry_run,omitempty" doc:"Show what it would do, without doing it."`
	As     string `json:"as,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"The person on whose behalf it is done."`
}

// Replayed is what a replay came to: a step for each customer that the event is
// about, more than one only for a body that could not be read when it came.
type Replayed struct {
	Steps []replay.Step `json:"steps"`
}

func (s *server) replayEvent(ctx context.Context, in *struct {
	Seq  int64  `path:"seq" minimum:"1"`
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"An idempotency key: any text of your choice. Sent again with the same key, the request replays nothing."`
	Body ReplayRequest
}) (Replayed, error) {
	key := in.Key
	if key != "" { // a key counts for its token
		key = "api:" + holder(ctx).Name + ":" + key
	}
	steps, err := s.Replay(ctx, in.Seq, in.Body.DryRun, replay.Request{Who: who(ctx, in.Body.As), Nonce: replay.Nonce(key)})
	if err != nil {
		return Replayed{}, err
	}
	for _, one := range steps {
		if one.Replays {
			return Replayed{steps}, nil
		}
	}
	return Replayed{}, problem(http.StatusConflict, "the event cannot be replayed; "+steps[0].Does, "see trueup events show")
}

func (s *server) listEvents(ctx context.Context, in *struct {
	SyncFilter
	Customer   string         `query:"customer" doc:"Only this customer (the source's id)."`
	Connection string         `query:"connection" doc:"Only from this connection."`
	Outcome    status.Outcome `query:"outcome" doc:"Only with this outcome."`
	Since      time.Time      `query:"since" doc:"Only events received at this time or later."`
	Until      time.Time      `query:"until" doc:"Only events received before this time."`
	Waiting    bool           `query:"waiting" doc:"Only events without an outcome yet."`
	StillOpen  bool           `query:"still_open" doc:"Only events that ended as would_write, held or parked and are still open."`
	Page
}) (List[contract.Event], error) {
	var before int64
	if err := s.listable(in.Sync, in.Page, &before); err != nil {
		return List[contract.Event]{}, err
	}
	found, err := s.Store.Events(ctx, store.EventFilter{Sync: in.Sync, Customer: in.Customer, Connection: in.Connection, Outcome: in.Outcome,
		Waiting: in.Waiting, Since: in.Since, Until: in.Until, Before: before, Limit: in.Limit + 1, Bare: true, WithNow: true, StillOpen: in.StillOpen})
	if err != nil {
		return List[contract.Event]{}, err
	}
	return listOf(in.Page, found, contract.EventOf, func(e store.Event) any { return e.Seq })
}

func (s *server) getEvent(ctx context.Context, in *struct {
	Seq int64 `path:"seq" minimum:"1"`
}) (contract.Event, error) {
	e, err := s.Store.Event(ctx, in.Seq)
	if err != nil {
		return contract.Event{}, err
	}
	row := contract.EventOf(e)
	if !holder(ctx).Role.Covers(store.Admin) {
		return row, nil
	}
	return row.WithPayload(e.Payload)
}
