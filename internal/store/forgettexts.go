package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// mentionPage is how many rows of a table are looked through at once, and
// changed in one transaction at most.
const mentionPage = 200

// forgetMentions looks through every text of the sync for the customer's names,
// or through those in the rows of others.
func (db *DB) forgetMentions(ctx context.Context, sync string, f *Forgotten, dry, others bool, since time.Time) error {
	naming, err := db.naming(ctx, sync, f.names.names)
	if err != nil {
		return err
	}
	if others {
		naming = slices.DeleteFunc(naming, func(c string) bool { return c != "" && c == f.Customer })
	}
	for _, p := range prose {
		keys := strings.Split(p.keys, ", ")
		look := func(where string, args []any, names *namer, in func(column, text string) (string, bool)) error {
			holds, args := holdsOne(names.names, db.textsOf(p.columns), args)
			return db.eachPage(ctx, p.table, keys, p.columns, where+" and "+holds, args, func(rows [][]string) error {
				return db.rename(ctx, p.table, keys, p.columns, rows, f, dry, in)
			})
		}
		if p.owner == "" { // it is about the sync: nothing is lost with a name too many
			if err := look(p.where, []any{sync}, f.names, f.names.surely); err != nil {
				return err
			}
			continue
		}
		for _, customer := range naming {
			names := f.names
			if customer == f.Customer {
				names = f.own
			}
			if err := look(p.where+" and "+p.owner+" = $2", []any{sync, customer}, names, names.surely); err != nil {
				return err
			}
		}
		where, args := p.where, []any{sync}
		but := naming
		if others && f.Customer != "" {
			but = append(slices.Clone(naming), f.Customer)
		}
		for _, customer := range but {
			args = append(args, customer)
			where += fmt.Sprintf(" and %s <> $%d", p.owner, len(args))
		}
		if p.changed != "" && !since.IsZero() {
			args = append(args, ms(since))
			where += fmt.Sprintf(" and $%d <= %s", len(args), latestOf(p.changed))
		}
		if err := look(where, args, f.names, f.names.inText); err != nil {
			return err
		}
	}
	return db.forgetPayloads(ctx, sync, f, dry, slices.Contains(naming, ""), since)
}

// latestOf is the latest of some times of a row.
func latestOf(columns string) string {
	first, second, two := strings.Cut(columns, ", ")
	if !two {
		return first
	}
	return "case when " + first + " > " + second + " then " + first + " else " + second + " end"
}

// eachPage reads texts of a table page by page, in the order of its keys.
func (db *DB) eachPage(ctx context.Context, table string, keys, columns []string, where string, chosen []any, each func(rows [][]string) error) error {
	selected := make([]string, 0, len(keys)+len(columns))
	for _, c := range slices.Concat(keys, columns) {
		selected = append(selected, "cast("+c+" as text)")
	}
	numeric := slices.Contains([]string{"seq", "id"}, keys[0])
	var after []string
	for {
		args := slices.Clone(chosen)
		condition := where
		if after != nil {
			places := make([]string, len(keys))
			for i := range keys {
				args = append(args, after[i])
				places[i] = fmt.Sprintf("$%d", len(args))
				if numeric || keys[i] == "sweep" {
					places[i] = "cast(" + places[i] + " as bigint)"
				}
			}
			condition += fmt.Sprintf(" and (%s) > (%s)", strings.Join(keys, ", "), strings.Join(places, ", "))
		}
		var rows [][]string
		err := db.view(ctx, func(s scanner) error {
			row := make([]string, len(selected))
			into := make([]any, len(row))
			for i := range row {
				into[i] = &row[i]
			}
			err := s.Scan(into...)
			rows = append(rows, row)
			return err
		}, fmt.Sprintf("select %s from %s where %s order by %s limit %d", strings.Join(selected, ", "), table, condition, strings.Join(keys, ", "), mentionPage), args...)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return nil
		}
		after = rows[len(rows)-1][:len(keys)]
		if err := each(rows); err != nil {
			return err
		}
	}
}

// rename writes the rows of a page whose texts name the customer.
func (db *DB) rename(ctx context.Context, table string, keys, columns []string, rows [][]string, f *Forgotten, dry bool, in func(column, text string) (string, bool)) error {
	type change struct {
		key, texts []string
	}
	var changes []change
	for _, row := range rows {
		texts := slices.Clone(row[len(keys):])
		changed := false
		for i := range texts {
			text, here := in(columns[i], texts[i])
			texts[i], changed = text, changed || here
		}
		if changed {
			changes = append(changes, change{row[:len(keys)], texts})
		}
	}
	if len(changes) == 0 {
		return nil
	}
	f.Rows[table] += len(changes)
	if dry {
		return nil
	}
	return db.update(ctx, func(t *tx) error {
		for _, c := range changes {
			var args []any
			set, at := make([]string, len(columns)), make([]string, len(keys))
			for i := range columns {
				args = append(args, c.texts[i])
				set[i] = fmt.Sprintf("%s = $%d", columns[i], len(args))
			}
			for i := range keys {
				args = append(args, c.key[i])
				at[i] = fmt.Sprintf("cast(%s as text) = $%d", keys[i], len(args))
				if keys[i] == "seq" || keys[i] == "id" || keys[i] == "sweep" {
					at[i] = fmt.Sprintf("%s = cast($%d as bigint)", keys[i], len(args))
				}
			}
			if _, err := t.exec(fmt.Sprintf("update %s set %s where %s", table, strings.Join(set, ", "), strings.Join(at, " and ")), args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// forgetPayloads looks through the payloads that are not the customer's own. One
// that could not be read when it came is deleted when it names the customer: who
// else is in it cannot be told. unreadable says that one of those is known to name
// the customer: then a name counts wherever it stands in them.
func (db *DB) forgetPayloads(ctx context.Context, sync string, f *Forgotten, dry, unreadable bool, since time.Time) error {
	names := f.names.names
	if !unreadable {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !clear(name) })
	}
	if len(names) == 0 {
		return nil
	}
	for after := int64(0); ; {
		type row struct {
			seq      int64
			customer string
			payload  []byte
		}
		var changes []row
		n := 0
		holds, args := holdsOne(names, db.payloads, []any{sync, after, f.Customer, mentionPage / 4, ms(since)})
		err := db.view(ctx, func(s scanner) error {
			var r row
			if err := s.Scan(&r.seq, &r.customer, &r.payload); err != nil {
				return err
			}
			n, after = n+1, r.seq
			payload, named := f.names.inPayload(r.payload)
			if r.customer == "" && unreadable {
				named = f.names.namedIn(r.payload)
			}
			switch {
			case !named:
				return nil
			case r.customer == "":
				payload = []byte{}
			}
			r.payload = payload
			changes = append(changes, r)
			return nil
		}, "select seq, customer, payload from events where sync = $1 and seq > $2 and customer <> $3 and received_at >= $5 and (customer = '' or "+db.cutShort+" or "+holds+") order by seq limit $4", args...)
		if err != nil || n == 0 {
			return err
		}
		if len(changes) > 0 {
			f.Rows["events"] += len(changes)
		}
		if dry || len(changes) == 0 {
			continue
		}
		if err := db.update(ctx, func(t *tx) error {
			for _, c := range changes {
				if _, err := t.exec("update events set payload = $2 where seq = $1", c.seq, c.payload); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
}
