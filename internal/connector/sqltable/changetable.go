package sqltable

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// changeTable finds what changed in the table that a trigger fills.
//
// Its rows are taken by deleting them, and not by remembering a number: numbers are
// given out before a transaction commits, so that a lower one may show up after a
// higher one was read. What is read is deleted at the next call, which proves that
// it was stored; a crash between brings it twice, with the same event id.
type changeTable struct{ *client }

// taken is the cursor: which rows the call before handed out, and the newest of
// their times. Rows of a table that was made anew have the same numbers and later
// times, and are not deleted unread.
type taken struct {
	Rows   []string `json:"rows"`
	Newest string   `json:"newest"`
}

const takenMark = "change_table "

// Since implements connector.Changes.
func (c changeTable) Since(ctx context.Context, cursor string) ([]connector.Reading, string, bool, error) {
	ctx = connector.Background(ctx)
	var before taken
	if text, ok := strings.CutPrefix(cursor, takenMark); ok {
		if err := json.Unmarshal([]byte(text), &before); err != nil {
			return nil, "", false, misconfigured("the stored position in the table of changes cannot be read")
		}
	}
	if err := c.drop(ctx, before); err != nil {
		return nil, "", false, err
	}
	if !strings.HasPrefix(cursor, takenMark) { // the first time, or the sync was polled by updated_at before
		return nil, takenMark + `{}`, false, nil
	}
	found, err := c.ask(ctx, c.query().add("select "+c.text("seq")+", "+c.stamp("at", c.kindOfAt())+", op, row_id from "+c.changesFrom()+
		" order by seq limit "+itoa(pageSize)))
	if err != nil {
		return nil, "", false, err
	}
	connector.Count(ctx, len(found))
	var news []connector.Reading
	var now taken
	for _, row := range found {
		seq, at, id := textOf(row[0]), textOf(row[1]), textOf(row[3])
		if parts, ok := c.partsOf(id); ok && len(parts) > 1 { // the database spells JSON in its own way
			id = spelled(parts)
		}
		now.Rows, now.Newest = append(now.Rows, seq), max(now.Newest, at)
		news = append(news, noted(seq, at, textOf(row[2]), id))
	}
	next, err := json.Marshal(now)
	if err != nil {
		panic(err) // texts
	}
	return news, takenMark + string(next), len(found) == pageSize, nil
}

// noted is the event of a row. It says only whom to look at: the present state is
// read.
func noted(seq, at, op, id string) connector.Reading {
	payload, err := json.Marshal(map[string]string{"seq": seq, "at": at, "op": op, "id": id})
	if err != nil {
		panic(err) // texts
	}
	moment, _ := time.Parse(stampForm, at)
	return connector.Reading{Event: status.Event{Customer: id, OccurredAt: moment, Payload: payload,
		ID: "change:" + seq + ":" + strconv.FormatInt(moment.UnixMicro(), 10)}}
}

// drop deletes what the call before handed out, and nothing else.
func (c changeTable) drop(ctx context.Context, t taken) error {
	if len(t.Rows) == 0 {
		return nil
	}
	q := c.query()
	q.add("delete from " + c.changesFrom() + " where seq in (")
	for i, seq := range t.Rows {
		n, err := strconv.ParseInt(seq, 10, 64)
		if err != nil {
			return misconfigured("the stored position in the table of changes cannot be read")
		}
		if i > 0 {
			q.add(", ")
		}
		q.add(strconv.FormatInt(n, 10))
	}
	q.add(") and at <= " + c.stampOf(q.arg(t.Newest), c.kindOfAt()))
	return c.remove(ctx, q)
}

// remove deletes rows of the table of changes. To repeat that does no harm.
func (c *client) remove(ctx context.Context, q *query) error {
	return c.call(ctx, func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, q.text.String(), q.args...)
		return err
	})
}

// kindOfAt is the kind of the column at, which our SQL makes.
func (c *client) kindOfAt() kind {
	if c.at.engine == postgres {
		return kindZoned
	}
	return kindLocal
}

// changesFrom is the table of changes in SQL.
func (c *client) changesFrom() string {
	schema, table := c.changeTable(c.at)
	return c.quote(schema) + "." + c.quote(table)
}

// changeTableFaults are the reasons why the table of changes cannot be read.
func (c *client) changeTableFaults(ctx context.Context) (all []error, err error) {
	schema, table := c.changeTable(c.at)
	found, err := c.ask(ctx, c.query().add(c.dialect.columns()).with(schema, table))
	if err != nil {
		return nil, err
	}
	has := map[string]bool{}
	for _, row := range found {
		has[textOf(row[0])] = textOf(row[5]) == "true"
	}
	for _, name := range []string{"seq", "at", "op", "row_id"} {
		if !has[name] {
			return []error{misconfigured(fmt.Sprintf("the user of the dsn sees no table of changes %s.%s with the columns seq, at, op and row_id; have the SQL run that trueup export sql prints", schema, table))}, nil
		}
	}
	// A delete that can find nothing asks for the same privilege.
	err = c.remove(ctx, c.query().add("delete from "+c.changesFrom()+" where seq < 0 and seq > 0"))
	if err != nil && connector.FailureOf(err).Kind == connector.Unauthorized {
		return []error{&connector.Failure{Kind: connector.Unauthorized, Effect: connector.EffectNone,
			Detail: fmt.Sprintf("the user of the dsn may not delete from %s.%s, and Trueup takes changes by deleting them; have the grants run that trueup export sql prints", schema, table)}}, nil
	}
	return nil, err
}
