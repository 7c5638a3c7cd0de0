package sqltable

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// maxFound is how many rows with one key are of interest: two are too many.
const maxFound = 20

// target finds, reads and writes rows of the table that follows.
type target struct{ *client }

// Find implements connector.Target.
func (t target) Find(ctx context.Context, key, value string) ([]status.TargetRecord, error) {
	column, ok := t.Keys[key]
	if !ok {
		return nil, misconfigured("the connection has no key of the name that a match rule uses; add it under keys, with its column")
	}
	s, err := t.shape(ctx)
	if err != nil || strings.ContainsRune(value, 0) {
		return nil, err
	}
	q := t.query()
	q.add("select " + t.selected(s) + " from " + t.from() + " where " + t.quote(column) + " = " + q.arg(value) + t.living() + " limit " + itoa(maxFound))
	var found [][]*string
	err = t.call(ctx, func(ctx context.Context, db *sql.DB) (err error) {
		found, err = rows(ctx, db, q)
		if a, answered := t.server(err); answered && a.meaning == badValue {
			return nil // no value of this column's type can be so
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var records []status.TargetRecord
	for _, row := range found {
		if r := t.read(s, row); r.id != "" {
			records = append(records, t.targetOf(r))
		}
	}
	return records, nil
}

// Read implements connector.Target.
func (t target) Read(ctx context.Context, id string) (status.TargetRecord, error) {
	r, err := t.row(ctx, id)
	if err != nil {
		return status.TargetRecord{}, err
	}
	return t.targetOf(r), nil
}

// Write implements connector.Target: the row is written if it still holds what was
// read. What it then holds, also by a trigger's will, is read in the same
// transaction.
func (t target) Write(ctx context.Context, record status.TargetRecord, value string) (*status.TargetRecord, error) {
	s, err := t.shape(ctx)
	if err != nil {
		return nil, err
	}
	parts, ok := t.partsOf(record.ID)
	if !ok {
		return nil, gone()
	}
	if strings.ContainsRune(value, 0) {
		return nil, &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone, Detail: "the value holds a zero byte, which no column can"}
	}
	var shown status.TargetRecord
	at := writing
	var missed bool
	err = t.call(ctx, func(ctx context.Context, db *sql.DB) error {
		shown, missed, err = t.swap(ctx, db, s, record, parts, value, &at)
		return t.fail(err, at)
	})
	if err != nil {
		return nil, err
	}
	if missed {
		return nil, t.whyMissed(ctx, record.ID)
	}
	return &shown, nil
}

// swap is the transaction of a write. missed says that no row was as it was read.
// at tells how far it got.
//
// It begins and ends with statements of its own: the drivers' Commit does not end
// with its context.
func (t target) swap(ctx context.Context, db *sql.DB, s *shape, record status.TargetRecord, parts []string, value string, at *phase) (shown status.TargetRecord, missed bool, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return shown, false, err
	}
	committed := false
	defer func() {
		if !committed { // with its connection the transaction ends, whatever state it is in
			conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		conn.Close()
	}()
	if _, err := conn.ExecContext(ctx, t.beginWrite(t.lockWait(), t.timeout)); err != nil {
		return shown, false, err
	}
	q := t.update(s, record, parts, value)
	result, err := conn.ExecContext(ctx, q.text.String(), q.args...)
	if err != nil {
		return shown, false, err
	}
	switch n, err := result.RowsAffected(); {
	case err != nil:
		return shown, false, err
	case n == 0:
		return shown, true, nil
	case n > 1:
		return shown, false, misconfigured("several rows have the same id, so nothing was written; name columns under id that identify a row")
	}
	now, err := t.rowIn(ctx, conn, s, record.ID, parts)
	if err != nil {
		return shown, false, err
	}
	*at = committing
	if _, err := conn.ExecContext(ctx, "commit"); err != nil {
		return shown, false, err
	}
	committed = true
	return t.targetOf(now), false, nil
}

// update sets the status, and who set it when, of the row as it was read.
func (t target) update(s *shape, record status.TargetRecord, parts []string, value string) *query {
	q := t.query()
	q.add("update " + t.tableName() + " set " + t.quote(t.Status) + " = " + q.arg(value))
	for _, n := range t.written() {
		q.add(", " + t.quote(n.column) + " = ")
		if col := s.columns[n.column]; col.kind.isTime() {
			q.add(t.dialect.now(col.kind, t.zones))
		} else {
			q.add(q.arg(t.writer()))
		}
	}
	q.add(" where ").isRow(t.client, parts)
	q.add(" and " + t.sameText(t.quote(t.Status), q.arg(record.Value)))
	if t.StatusAt != "" {
		q.add(" and " + t.sameText(t.stamp(t.quote(t.StatusAt), s.columns[t.StatusAt].kind), q.arg(record.Revision)))
	}
	return q.add(t.living())
}

// whyMissed reads the row that was not as it was read: it is gone, or somebody has
// changed it.
func (t target) whyMissed(ctx context.Context, id string) error {
	if _, err := t.row(ctx, id); err != nil {
		return err
	}
	return &connector.Failure{Kind: connector.Moved, Effect: connector.EffectNone, Detail: "the row changed between reading and writing"}
}
