package store

import (
	"context"
	"fmt"
)

// Finding is something in the database that must not be.
type Finding struct {
	// Rule is what must hold, Broken how many rows break it, Detail what the engine says.
	Rule   string
	Broken int
	Detail string
}

// rules are what must hold in every database at any moment. Each counts what breaks it;
// $1 is the time.
var rules = []struct{ rule, breaks string }{
	{"every event that waits belongs to a customer in the queue", `select count(*) from events e where e.outcome = '' and e.side = 'source'
and not exists (select 1 from customers c where c.sync = e.sync and c.customer = e.customer and c.due_at is not null) and cast($1 as bigint) > 0`},
	{"every event that is done says when", "select count(*) from events where outcome <> '' and settled_at = 0 and cast($1 as bigint) > 0"},
	{"every confirmed value belongs to a record", "select count(*) from customers where base_known = 1 and base_record_id = '' and cast($1 as bigint) > 0"},
	{"every write under way belongs to a customer", `select count(*) from intents i
where not exists (select 1 from customers c where c.sync = i.sync and c.customer = i.customer) and cast($1 as bigint) > 0`},
	{"every act on an exception belongs to one", `select count(*) from actions a
where not exists (select 1 from exceptions x where x.id = a.exception_id) and cast($1 as bigint) > 0`},
	{"no event was received in the future", "select count(*) from events where received_at > cast($1 as bigint) + 60000"},
}

// Verify reads the whole database and returns what must not be, and how many rules were
// looked at. It writes nothing and may run beside a service.
func (db *DB) Verify(ctx context.Context) (found []Finding, looked int, err error) {
	now, err := db.Now(ctx)
	if err != nil {
		return nil, 0, err
	}
	if db.name == sqliteDialect.name {
		looked++
		whole := Finding{Rule: "the file is whole"}
		err := db.view(ctx, func(s scanner) error {
			text := ""
			err := s.Scan(&text)
			if text != "ok" {
				whole.Broken, whole.Detail = whole.Broken+1, text
			}
			return err
		}, "select integrity_check from pragma_integrity_check")
		if err != nil {
			return nil, 0, fmt.Errorf("check that %s: %w", whole.Rule, err)
		}
		if whole.Broken > 0 {
			found = append(found, whole)
		}
	}
	for _, r := range rules {
		looked++
		f := Finding{Rule: r.rule}
		if err := db.view(ctx, func(s scanner) error { return s.Scan(&f.Broken) }, r.breaks, ms(now)); err != nil {
			return nil, 0, fmt.Errorf("check that %s: %w", r.rule, err)
		}
		if f.Broken > 0 {
			found = append(found, f)
		}
	}
	return found, looked, nil
}
