package api

import (
	"context"

	"trueup/internal/contract"
	"trueup/internal/status"
	"trueup/internal/store"
)

func (s *server) eventRoutes() {
	route(s, store.Viewer, get("list-events", "/events", "List the events that were received", "The latest first, without their payloads."), s.listEvents)
	route(s, store.Viewer, get("get-event", "/events/{seq}", "Show one event",
		"With its payload as the tool sent it for the role admin, which may hold personal data; without it for others."), s.getEvent)
}

func (s *server) listEvents(ctx context.Context, in *struct {
	SyncFilter
	Customer   string         `query:"customer" doc:"Only of this customer (the source's id)."`
	Connection string         `query:"connection" doc:"Only from this connection."`
	Outcome    status.Outcome `query:"outcome" doc:"Only with this outcome."`
	Waiting    bool           `query:"waiting" doc:"Only those that have no outcome yet."`
	Page
}) (List[contract.Event], error) {
	var before int64
	if err := s.listable(in.Sync, in.Page, &before); err != nil {
		return List[contract.Event]{}, err
	}
	found, err := s.Store.Events(ctx, store.EventFilter{Sync: in.Sync, Customer: in.Customer, Connection: in.Connection, Outcome: in.Outcome,
		Waiting: in.Waiting, Before: before, Limit: in.Limit + 1, Bare: true})
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
