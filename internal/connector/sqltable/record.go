package sqltable

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// record is one row of the table.
type record struct {
	id       string
	value    string
	hasValue bool
	at       time.Time // of the row
	statusAt time.Time // of its status alone
	by       string
	statusBy string
	keys     map[string]string
	// updated and statusSet are the times as the columns have them, in stampForm.
	updated, statusSet string
}

// selected are the columns of a record, in the order in which read takes them.
func (c *client) selected(s *shape) string {
	var parts []string
	text := func(column string) { parts = append(parts, c.text(c.quote(column))) }
	stamp := func(column string) {
		if column == "" {
			parts = append(parts, "null")
			return
		}
		parts = append(parts, c.stamp(c.quote(column), s.columns[column].kind))
	}
	who := func(column string) {
		if column == "" {
			parts = append(parts, "null")
			return
		}
		text(column)
	}
	for _, id := range c.columns {
		text(id)
	}
	text(c.Status)
	stamp(c.UpdatedAt)
	who(c.UpdatedBy)
	stamp(c.StatusAt)
	who(c.StatusBy)
	for _, key := range slices.Sorted(maps.Keys(c.Keys)) {
		text(c.Keys[key])
	}
	return strings.Join(parts, ", ")
}

// read takes the columns of selected.
func (c *client) read(s *shape, row []*string) record {
	n := len(c.columns)
	r := record{id: idOf(row[:n]), value: textOf(row[n]), updated: textOf(row[n+1]), by: textOf(row[n+2]),
		statusSet: textOf(row[n+3]), statusBy: textOf(row[n+4]), keys: map[string]string{}}
	r.hasValue = r.value != ""
	r.at = c.moment(r.updated, s.columns[c.UpdatedAt].kind)
	r.statusAt = c.moment(r.statusSet, s.columns[c.StatusAt].kind)
	for i, key := range slices.Sorted(maps.Keys(c.Keys)) {
		if v := textOf(row[n+5+i]); v != "" {
			r.keys[key] = v
		}
	}
	return r
}

// moment is when a time in stampForm was, zero where that is not known: of no
// time, of infinity, and in the hour that a local clock shows twice.
func (c *client) moment(text string, k kind) time.Time {
	wall, err := time.Parse(stampForm, text)
	if err != nil {
		return time.Time{}
	}
	if k != kindLocal || c.zones == nil {
		return wall
	}
	at := inZone(wall, c.zones)
	for _, shift := range []time.Duration{-time.Hour, time.Hour} {
		if other := at.Add(shift); other.In(c.zones).Format(stampForm) == text {
			return time.Time{}
		}
	}
	return at.UTC()
}

// inZone is the moment at which a clock in the zone shows what wall shows.
func inZone(wall time.Time, zone *time.Location) time.Time {
	return time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), zone)
}

// idOf is the id of a row: the column's text, or of several a JSON list of them.
// It is empty when one of them is null.
func idOf(parts []*string) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		if texts[i] = textOf(p); p == nil || len(parts) == 1 {
			return texts[i]
		}
	}
	return spelled(texts)
}

// spelled is the id of several columns.
func spelled(parts []string) string {
	list, err := json.Marshal(parts)
	if err != nil {
		panic(err) // texts
	}
	return string(list)
}

// partsOf is the other way round. ok is false of what cannot be an id here.
func (c *client) partsOf(id string) (parts []string, ok bool) {
	switch {
	case id == "" || strings.ContainsRune(id, 0):
		return nil, false
	case len(c.columns) == 1:
		return []string{id}, true
	}
	err := json.Unmarshal([]byte(id), &parts)
	return parts, err == nil && len(parts) == len(c.columns)
}

// isRow is the condition that a row has the id.
func (q *query) isRow(c *client, parts []string) *query {
	for i, column := range c.columns {
		if i > 0 {
			q.add(" and ")
		}
		q.add(c.quote(column) + " = " + q.arg(parts[i]))
		if c.at.engine == mysql { // a text for a number is compared as a fraction, and one for a text without its case
			q.add(" and " + c.sameText(c.quote(column), q.arg(parts[i])))
		}
	}
	return q
}

// after is the condition that a row comes after the id, in the order of its columns.
func (q *query) after(c *client, parts []string) *query {
	q.add("(")
	for i, column := range c.columns {
		if i > 0 {
			q.add(" or ")
		}
		q.add("(")
		for j, before := range c.columns[:i] {
			q.add(c.quote(before) + " = " + q.arg(parts[j]) + " and ")
		}
		q.add(c.quote(column) + " > " + q.arg(parts[i]) + ")")
	}
	return q.add(")")
}

// order is the order of ids. A bare name would mean the text of the same name that
// is selected, and 10 would come before 9.
func (c *client) order() string {
	var parts []string
	for _, column := range c.columns {
		parts = append(parts, c.ofRow(column))
	}
	return strings.Join(parts, ", ")
}

// ofRow is a column of from.
func (c *client) ofRow(column string) string { return "r." + c.quote(column) }

// from is the table in a query, whose rows are called r.
func (c *client) from() string { return c.tableName() + " r" }

// tableName is the table in SQL.
func (c *client) tableName() string {
	schema, table := c.table(c.at)
	return c.quote(schema) + "." + c.quote(table)
}

// living is the condition that a row does not count as deleted.
func (c *client) living() string {
	if c.DeletedAt == "" {
		return ""
	}
	return " and " + c.quote(c.DeletedAt) + " is null"
}

func (r record) source() status.SourceRecord {
	return status.SourceRecord{ID: r.id, Value: r.value, NoStatus: !r.hasValue, ValueAt: r.statusAt, UpdatedAt: r.at, Keys: r.keys}
}

// targetOf is the row as the side that follows. Its revision is the status' own time,
// where it has one: a person who set the same value again has touched it.
func (c *client) targetOf(r record) status.TargetRecord {
	t := status.TargetRecord{ID: r.id, Value: r.value, EditedAt: r.at, By: r.by, Keys: r.keys, Revision: r.statusSet}
	if c.StatusAt != "" && !r.statusAt.IsZero() {
		t.EditedAt, t.FieldTime, t.By = r.statusAt, true, r.statusBy
		if c.StatusBy == "" {
			t.By = ""
		}
	}
	switch {
	case t.By == "":
	case t.By == c.writer():
		t.Actor = status.ActorUs
	case slices.Contains(c.Automations, t.By):
		t.Actor = status.ActorAutomation
	default:
		t.Actor = status.ActorHuman
	}
	return t
}
