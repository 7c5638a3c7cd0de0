package sqltable

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// shapeAge is how long what the catalog said is believed. What fails because it
// was altered meanwhile makes us look again at once.
const shapeAge = 5 * time.Minute

// shape is what the catalog says about the table.
type shape struct {
	columns map[string]column
	relkind string // r, p: a table; v: a view; m, f: what cannot be written
}

// column is a column of the table.
type column struct {
	typ                string // as the database calls it
	kind               kind
	notNull, generated bool
	reads, writes      bool // what our user may do
}

// kindOf says what a type is for us. typtype is e for an enum.
func (e engine) kindOf(typ, typtype string) kind {
	switch {
	case typtype == "e":
		return kindEnum
	case typ == "timestamptz" || typ == "timestamp" && e == mysql: // the one with a fixed meaning there
		return kindZoned
	case typ == "timestamp" || typ == "datetime":
		return kindLocal
	case typ == "uuid":
		return kindUUID
	case slices.Contains([]string{"int2", "int4", "int8", "numeric", "tinyint", "smallint", "mediumint", "int", "bigint", "decimal"}, typ):
		return kindNumber
	case slices.Contains([]string{"text", "varchar", "bpchar", "citext", "name", "char", "tinytext", "mediumtext", "longtext", "inet"}, typ):
		return kindText
	case slices.Contains([]string{"bytea", "binary", "varbinary", "blob", "tinyblob", "mediumblob", "longblob", "bit"}, typ):
		return kindBinary
	}
	return kindOther
}

// readShape asks the catalog.
func (c *client) readShape(ctx context.Context) (*shape, error) {
	schema, table := c.table(c.at)
	found, err := c.ask(ctx, c.query().add(c.dialect.columns()).with(schema, table))
	if err != nil {
		return nil, err
	}
	s := &shape{columns: map[string]column{}}
	for _, row := range found {
		is := func(i int) bool { return textOf(row[i]) == "true" }
		typ := strings.ToLower(textOf(row[1]))
		s.columns[textOf(row[0])] = column{typ: typ, kind: c.at.engine.kindOf(typ, textOf(row[2])), notNull: is(3), generated: is(4), reads: is(5), writes: is(6)}
		s.relkind = textOf(row[7])
	}
	return s, nil
}

// with gives the parameters of a text that has their placeholders.
func (q *query) with(args ...any) *query {
	q.args = append(q.args, args...)
	return q
}

// shape returns the table's shape, or the first reason why it cannot be used.
func (c *client) shape(ctx context.Context) (*shape, error) {
	s, err := c.shapes.Get(ctx, shapeAge)
	if err != nil {
		return nil, err
	}
	if faults := c.faults(s); len(faults) > 0 {
		c.shapes.Forget()
		return nil, faults[0]
	}
	return s, nil
}

// named is a column that the file names, with its key there.
type named struct{ key, column string }

// names are all columns that the file names, in the order of the file's keys.
func (c *client) names() (all []named) {
	for _, id := range c.columns {
		all = append(all, named{"id", id})
	}
	for _, n := range []named{{"status", c.Status}, {"updated_at", c.UpdatedAt}, {"updated_by", c.UpdatedBy},
		{"status_at", c.StatusAt}, {"status_by", c.StatusBy}, {"deleted_at", c.DeletedAt}} {
		if n.column != "" {
			all = append(all, n)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.Keys)) {
		all = append(all, named{"keys." + key, c.Keys[key]})
	}
	return all
}

// written are the columns that a write sets beside the status.
func (c *client) written() (all []named) {
	return slices.DeleteFunc(c.names(), func(n named) bool {
		return !slices.Contains([]string{"updated_at", "updated_by", "status_at", "status_by"}, n.key)
	})
}

// faults are the reasons why the table cannot be used, each with its remedy.
func (c *client) faults(s *shape) (all []error) {
	schema, table := c.table(c.at)
	if len(s.columns) == 0 {
		return []error{misconfigured(fmt.Sprintf("there is no table %s.%s that the user of the dsn can see; correct table, or have the grants run that trueup export sql prints", schema, table))}
	}
	add := func(problem string, args ...any) { all = append(all, misconfigured(fmt.Sprintf(problem, args...))) }
	refuse := func(problem string, args ...any) {
		all = append(all, &connector.Failure{Kind: connector.Unauthorized, Effect: connector.EffectNone, Detail: fmt.Sprintf(problem, args...)})
	}
	for _, n := range c.names() {
		col, ok := s.columns[n.column]
		switch {
		case !ok:
			add("table %s.%s has no column %q that the user of the dsn can see; correct %s (upper and lower case matter), or have the grants run that trueup export sql prints", schema, table, n.column, n.key)
			continue
		case !col.reads:
			refuse("the user of the dsn may not read column %q; have the grants run that trueup export sql prints", n.column)
		}
		switch n.key {
		case "id":
			if col.kind == kindBinary || col.kind == kindOther || col.kind.isTime() {
				add("column %q has type %s, which cannot be an id; name a column of numbers, texts or UUIDs under id", n.column, col.typ)
			}
		case "status":
			if col.kind == kindBinary || col.kind.isTime() {
				add("column %q has type %s, which cannot be a status; correct status", n.column, col.typ)
			}
		case "updated_at", "status_at":
			switch {
			case !col.kind.isTime():
				add("column %q has type %s, which is no time; name a column of type %s under %s, or remove that key", n.column, col.typ, c.timeTypes(), n.key)
			case col.kind == kindLocal && c.zones == nil:
				add("column %q has times without a time zone; write the zone that its writers mean, such as time_zone: UTC", n.column)
			}
		}
	}
	if c.use.Target {
		c.writeFaults(s, add, refuse)
	}
	return all
}

// writeFaults are the reasons why the table cannot be a target.
func (c *client) writeFaults(s *shape, add, refuse func(string, ...any)) {
	if s.relkind == "m" || s.relkind == "f" {
		add("the table is a materialized view or a foreign table, which is not written; name the table behind it")
	}
	for _, n := range append([]named{{"status", c.Status}}, c.written()...) {
		col, ok := s.columns[n.column]
		switch {
		case !ok:
		case col.generated:
			add("column %q is computed by the database and cannot be written; correct %s", n.column, n.key)
		case !col.writes:
			refuse("the user of the dsn may not update column %q; have the grants run that trueup export sql prints", n.column)
		}
	}
}

func (c *client) timeTypes() string {
	if c.at.engine == postgres {
		return "timestamptz"
	}
	return "datetime(6) or timestamp(6)"
}
