package sqltable

import (
	"context"
	"database/sql"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// source reads rows of the table that decides.
type source struct{ *client }

// Read implements connector.Source.
func (s source) Read(ctx context.Context, customer string) (status.SourceRecord, error) {
	r, err := s.row(ctx, customer)
	return r.source(), err
}

// row reads one row by its id.
func (c *client) row(ctx context.Context, id string) (r record, err error) {
	s, err := c.shape(ctx)
	if err != nil {
		return r, err
	}
	parts, ok := c.partsOf(id)
	if !ok {
		return r, gone()
	}
	err = c.call(ctx, func(ctx context.Context, db *sql.DB) (err error) {
		r, err = c.rowIn(ctx, db, s, id, parts)
		return err
	})
	return r, err
}

// rowIn reads a row in a transaction or outside of one.
func (c *client) rowIn(ctx context.Context, db asker, s *shape, id string, parts []string) (record, error) {
	q := c.query()
	q.add("select "+c.selected(s)+" from "+c.from()+" where ").isRow(c, parts).add(c.living() + " limit 2")
	found, err := rows(ctx, db, q)
	if a, answered := c.server(err); answered && a.meaning == badValue {
		return record{}, gone() // no id of this column's type can be so
	}
	switch {
	case err != nil:
		return record{}, err
	case len(found) > 1:
		return record{}, misconfigured("two rows have the same id; name columns under id that identify a row")
	case len(found) == 0:
		return record{}, gone()
	}
	r := c.read(s, found[0])
	if r.id != id { // 007 for 7: the database takes them for one, links do not
		return record{}, gone()
	}
	return r, nil
}

// pageSize is how many rows one page of a list has.
const pageSize = 500

type (
	sourceList struct{ *client }
	targetList struct{ *client }
)

// List implements connector.SourceList.
func (l sourceList) List(ctx context.Context, cursor string) ([]status.SourceRecord, string, error) {
	return listed(ctx, l.client, cursor, record.source)
}

// List implements connector.TargetList.
func (l targetList) List(ctx context.Context, cursor string) ([]status.TargetRecord, string, error) {
	return listed(ctx, l.client, cursor, l.targetOf)
}

// listed reads one page in the order of ids. The cursor is the last id. No
// transaction goes over pages: a long one holds back the database's cleaning up.
func listed[T any](ctx context.Context, c *client, cursor string, as func(record) T) (page []T, next string, err error) {
	s, err := c.shape(ctx)
	if err != nil {
		return nil, "", err
	}
	q := c.query().add("select " + c.selected(s) + " from " + c.from() + " where ")
	if cursor == "" {
		q.add("true")
	} else {
		parts, ok := c.partsOf(cursor)
		if !ok {
			return nil, "", &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Anew: true,
				Detail: "the list cannot be continued, because id names other columns than before; start the list again"}
		}
		q.after(c, parts)
	}
	q.add(c.living() + " order by " + c.order() + " limit " + itoa(pageSize))
	found, err := c.ask(connector.Background(ctx), q)
	if err != nil {
		return nil, "", err
	}
	for _, row := range found {
		r := c.read(s, row)
		if r.id == "" {
			connector.SetAside(ctx, connector.Aside{Problem: "id: the row has none, its column is null"})
			continue
		}
		page, next = append(page, as(r)), r.id
	}
	if len(found) < pageSize {
		next = ""
	}
	return page, next, nil
}
