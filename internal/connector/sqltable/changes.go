package sqltable

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// changes finds what changed by the column updated_at, a page an answer.
//
// Positions are what the column's clock shows, also of a local one: they are
// compared with the column and with nothing else.
type changes struct{ *client }

// Since implements connector.Changes. The cursor is a connector.Position, whose
// clock is the database's.
func (c changes) Since(ctx context.Context, cursor string) ([]connector.Reading, string, bool, error) {
	ctx = connector.Background(ctx)
	s, err := c.shape(ctx)
	if err != nil {
		return nil, "", false, err
	}
	clock, newest, err := c.clocks(ctx, s)
	if err != nil {
		return nil, "", false, err
	}
	position, err := connector.PositionAt(cursor, clock)
	if err != nil {
		return nil, "", false, misconfigured(err.Error())
	}
	if position.First() {
		position.Meets(newest)
		return nil, position.Next(), false, nil
	}
	position.Overlap = c.overlap()
	position.Of("updated_at")
	found, err := c.ask(ctx, c.page(s, position))
	if err != nil {
		return nil, "", false, err
	}
	connector.Count(ctx, len(found))
	var news []connector.Reading
	last := ""
	for _, row := range found {
		r := c.read(s, row)
		wall, _ := time.Parse(stampForm, r.updated)
		if r.id == "" {
			continue
		}
		last = place(r)
		if position.Meets(wall) {
			news = append(news, change(r))
		}
	}
	if len(found) < pageSize || last == "" {
		return news, position.Next(), false, nil
	}
	if err := position.Turned(last, ""); err != nil {
		return nil, "", false, err
	}
	return news, position.String(), true, nil
}

// clocks are what the database's clock shows in the column's zone, and the newest
// time of the column that is not after it.
func (c *client) clocks(ctx context.Context, s *shape) (clock, newest time.Time, err error) {
	k := s.columns[c.UpdatedAt].kind
	column := c.quote(c.UpdatedAt)
	found, err := c.ask(ctx, c.query().add("select "+c.clock()+", "+
		"(select "+c.stamp("max("+column+")", k)+" from "+c.from()+" where "+column+" <= "+c.until(k, c.zones)+")"))
	if err != nil {
		return clock, newest, err
	}
	if clock, err = time.Parse(stampForm, textOf(found[0][0])); err != nil {
		return clock, newest, misconfigured("the database's clock cannot be read")
	}
	if k == kindLocal && c.zones != nil {
		if clock, err = time.Parse(stampForm, clock.In(c.zones).Format(stampForm)); err != nil {
			return clock, newest, misconfigured("the database's clock cannot be read")
		}
	}
	newest, _ = time.Parse(stampForm, textOf(found[0][1])) // none of an empty table
	return clock, newest, nil
}

// page asks for the rows that changed since the position, oldest first, and after
// the place that the walk has got to.
func (c *client) page(s *shape, position *connector.Position) *query {
	k := s.columns[c.UpdatedAt].kind
	column := c.quote(c.UpdatedAt)
	q := c.query()
	q.add("select " + c.selected(s) + " from " + c.from() + " where " + column + " > " + c.stampOf(q.arg(position.After().Format(stampForm)), k))
	if c.at.engine == postgres { // infinity is no time, and would be no place to go on from
		q.add(" and " + column + " < 'infinity'")
	}
	if stamp, parts, ok := c.placeOf(position.Walk().Cursor); ok {
		q.add(" and " + column + " >= " + c.stampOf(q.arg(stamp), k))
		q.add(" and ("+column+" > "+c.stampOf(q.arg(stamp), k)+" or ").after(c, parts).add(")")
	}
	return q.add(" order by " + c.ofRow(c.UpdatedAt) + ", " + c.order() + " limit " + itoa(pageSize))
}

// place is where a walk has got to: the time and the id of the row that was read
// last. Many rows may have one time.
func place(r record) string {
	text, err := json.Marshal([]string{r.updated, r.id})
	if err != nil {
		panic(err) // texts
	}
	return string(text)
}

func (c *client) placeOf(cursor string) (stamp string, parts []string, ok bool) {
	var both []string
	if json.Unmarshal([]byte(cursor), &both) != nil || len(both) != 2 {
		return "", nil, false
	}
	parts, ok = c.partsOf(both[1])
	return both[0], parts, ok
}

// change makes an event of a row. Its id names the state that the row is in, so
// that a poll that sees the same state again repeats it.
func change(r record) connector.Reading {
	wall, _ := time.Parse(stampForm, r.updated)
	payload, err := json.Marshal(map[string]any{"id": r.id, "status": r.value, "updated_at": r.updated})
	if err != nil {
		panic(err) // texts
	}
	sum := sha256.Sum256([]byte(r.value))
	return connector.Reading{Event: status.Event{Customer: r.id, Value: r.value, HasValue: r.hasValue, OccurredAt: r.at, Payload: payload,
		ID: "row:" + r.id + ":" + strconv.FormatInt(wall.UnixMicro(), 10) + ":" + hex.EncodeToString(sum[:8])}}
}
