package sqltable

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// probe checks a live table: what the catalog says, and one page.
type probe struct{ *client }

// Probe implements connector.Probe. Every fault of the table is named at once.
func (p probe) Probe(ctx context.Context) (said []string, err error) {
	state, err := p.state(ctx)
	if err != nil {
		return nil, err
	}
	p.shapes.Forget()
	s, err := p.shapes.Get(ctx, 0)
	if err != nil {
		return nil, err
	}
	faults := p.faults(s)
	if p.use.Target && state.replica {
		faults = append(faults, misconfigured("the server is a read-only replica, and a target is read and written on the primary; name the primary in the dsn"))
	}
	indexes, err := p.readIndexes(ctx)
	if err != nil {
		return nil, err
	}
	slow, unsound := p.indexFaults(s, indexes)
	faults = append(faults, unsound...)
	words, err := p.wordFaults(ctx, s)
	if err != nil {
		return nil, err
	}
	faults = append(faults, words...)
	if p.ChangeTable != "" {
		more, err := p.changeTableFaults(ctx)
		if err != nil {
			return nil, err
		}
		faults = append(faults, more...)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	said = append(said, p.allowed(s, state)...)
	said = append(said, slow...)
	looked, err := p.look(ctx, s, state)
	return append(said, looked...), err
}

// session is what the server says of itself.
type session struct {
	clock     time.Time
	replica   bool
	encrypted string
}

func (c *client) state(ctx context.Context) (session, error) {
	found, err := c.ask(ctx, c.query().add(c.dialect.state()))
	if err != nil {
		return session{}, err
	}
	clock, err := time.Parse(stampForm, textOf(found[0][0]))
	if err != nil {
		return session{}, misconfigured("the database's clock cannot be read")
	}
	return session{clock: clock, replica: textOf(found[0][1]) == "true", encrypted: textOf(found[0][2])}, nil
}

// allowed says what the user of the dsn may do.
func (p probe) allowed(s *shape, state session) (said []string) {
	schema, table := p.table(p.at)
	said = append(said, fmt.Sprintf("the user of the dsn may read the columns of %s.%s that the connection names", schema, table))
	if p.TLS == tlsOff {
		said = append(said, "tls is off: the password and all rows cross the network in plain text")
	}
	switch {
	case p.use.Target:
		said = append(said, "the user of the dsn may update the columns that a write sets")
	case slices.ContainsFunc(slices.Collect(maps.Values(s.columns)), func(c column) bool { return c.writes }):
		said = append(said, "the user of the dsn may also write the table, and a source is only read: have the grants run that trueup export sql prints")
	}
	if state.replica {
		said = append(said, "the server is a read-only replica: overlap must be longer than its lag")
	}
	return said
}

// index is an index of the table: its columns in order.
type index struct {
	columns []string
	unique  bool
}

func (c *client) readIndexes(ctx context.Context) (all []index, err error) {
	schema, table := c.table(c.at)
	found, err := c.ask(ctx, c.query().add(c.indexes()).with(schema, table))
	if err != nil {
		return nil, err
	}
	name := ""
	for _, row := range found {
		if n := textOf(row[0]); n != name || len(all) == 0 {
			name, all = n, append(all, index{unique: true})
		}
		i := &all[len(all)-1]
		i.columns = append(i.columns, textOf(row[2]))
		i.unique = i.unique && textOf(row[3]) == "true"
	}
	return all, nil
}

// indexFaults says which question has no index to answer it. That ids are unique is
// more than a matter of speed; of a view it cannot be told.
func (c *client) indexFaults(s *shape, indexes []index) (slow []string, unsound []error) {
	leads := func(columns ...string) bool {
		return slices.ContainsFunc(indexes, func(i index) bool {
			return len(i.columns) >= len(columns) && slices.Equal(i.columns[:len(columns)], columns)
		})
	}
	if s.relkind == "v" || s.relkind == "m" || s.relkind == "f" {
		return []string{"the table is a view: whether its ids are unique, and whether it has the indexes, cannot be told"}, nil
	}
	unique := slices.ContainsFunc(indexes, func(i index) bool {
		return i.unique && !slices.ContainsFunc(i.columns, func(column string) bool { return !slices.Contains(c.columns, column) })
	})
	known := !slices.ContainsFunc(c.columns, func(column string) bool { _, ok := s.columns[column]; return !ok })
	if known && !unique {
		unsound = append(unsound, misconfigured(fmt.Sprintf("no primary key or unique index says that %s identifies a row; name the columns of the primary key under id, or create unique index on %s (%s)",
			strings.Join(c.columns, " and "), c.tableName(), c.idList())))
	}
	if c.UpdatedAt != "" && !c.use.Target && c.ChangeTable == "" && !leads(c.UpdatedAt) {
		slow = append(slow, fmt.Sprintf("no index begins with %s, so each poll reads the whole table: create index on %s (%s, %s)", c.UpdatedAt, c.tableName(), c.quote(c.UpdatedAt), c.idList()))
	}
	for _, key := range slices.Sorted(maps.Keys(c.Keys)) {
		if c.use.Target && !leads(c.Keys[key]) {
			slow = append(slow, fmt.Sprintf("no index begins with %s, so each search by the key %s reads the whole table: create index on %s (%s)", c.Keys[key], key, c.tableName(), c.quote(c.Keys[key])))
		}
	}
	return slow, unsound
}

// idList are the columns of the id in SQL.
func (c *client) idList() string {
	var names []string
	for _, column := range c.columns {
		names = append(names, c.quote(column))
	}
	return strings.Join(names, ", ")
}

// wordFaults compares the file's words with those that the column takes.
func (c *client) wordFaults(ctx context.Context, s *shape) ([]error, error) {
	if _, ok := s.columns[c.Status]; !ok {
		return nil, nil
	}
	words, err := c.words(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case words == nil && c.Options == optionsRead:
		_, err := options{c}.Options(ctx)
		return []error{err}, nil
	case words == nil || !c.use.Target:
		return nil, nil
	}
	if lacking := missing(c.use.Values, words); lacking != "" {
		return []error{misconfigured(fmt.Sprintf("column %q does not take %s of the sync's statuses; correct to, or have the value added to the column", c.Status, lacking))}, nil
	}
	return nil, nil
}

// look reads one page and says what it has.
func (p probe) look(ctx context.Context, s *shape, state session) (said []string, err error) {
	records, without := 0, 0
	newest := time.Time{}
	column := ""
	q := p.query().add("select " + p.selected(s) + " from " + p.from() + " where true" + p.living())
	if column = p.UpdatedAt; column != "" {
		q.add(" order by " + p.ofRow(column) + " desc")
	}
	found, err := p.ask(ctx, q.add(" limit 100"))
	if err != nil {
		return nil, err
	}
	for _, row := range found {
		r := p.read(s, row)
		records++
		if !r.hasValue {
			without++
		}
		if r.at.After(newest) {
			newest = r.at
		}
	}
	said = append(said, fmt.Sprintf("the first page of the table has %d rows", records))
	if without > 0 {
		said = append(said, fmt.Sprintf("%d of them have no status: is status the right column?", without))
	}
	return append(said, connector.SayClocks(p.now(), state.clock, "the newest change", newest)...), nil
}
