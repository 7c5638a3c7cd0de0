package store

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// forgetOwn changes the rows that are the customer's, in one transaction, and
// counts them.
func (t *tx) forgetOwn(sync string, f *Forgotten, rows map[string]int, dry bool) error {
	count := func(table, query string, args ...any) error {
		n := 0
		err := t.query(func(s scanner) error { return s.Scan(&n) }, "select count(*) from "+table+" where "+query, args...)
		rows[table] += n
		return err
	}
	const own = "sync = $1 and customer = $2"
	c := f.Customer
	if err := t.query(func(s scanner) error { return s.Scan(&f.Waiting) }, "select count(*) from events where "+own+" and outcome = ''", sync, c); err != nil {
		return err
	}
	if err := t.query(func(s scanner) error { return s.Scan(&f.Told) },
		"select count(*) from notices n where sync = $1 and place <> '' and exists (select 1 from exceptions x where x.sync = n.sync and x.kind = n.kind and x.cause = n.cause and x.customer = $2)",
		sync, c); err != nil {
		return err
	}
	for _, table := range []string{"events", "customers", "links", "intents", "decisions", "exceptions", "link_history", "watched", "seen", "pins"} {
		if err := count(table, own, sync, c); err != nil {
			return err
		}
	}
	err := errors.Join(
		count("activity", own+" and customer <> ''", sync, c), // as its index has it
		count("notices", "sync = $1 and cause = $2 and recipient = 'slack'", sync, c),
		count("plan_rows", sweepsOf+" and customer = $2", sync, c))
	if err != nil || dry {
		return err
	}
	return t.eraseOwn(sync, f)
}

// forgetRecords changes, and counts, the target's events about the customer's
// records from when they had no link: in these the record is the customer.
func (t *tx) forgetRecords(sync string, f *Forgotten, rows map[string]int, dry bool) error {
	for _, record := range f.names.names {
		if record == f.Customer { // its own rows, which have been changed
			continue
		}
		const told = "sync = $1 and customer = $2 and side = 'target'"
		n := 0
		err := t.query(func(s scanner) error { return s.Scan(&n) }, "select count(*) from events where "+told, sync, record)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if rows["events"] += n; dry {
			continue
		}
		if _, err := t.exec("update events set customer = $3, payload = $4, event_id = replace(event_id, ':' || $2 || ':', ':' || $3 || ':') where "+told,
			sync, record, f.Pseudonym, []byte{}); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) eraseOwn(sync string, f *Forgotten) error {
	const own = " where sync = $1 and customer = $2"
	c, p := f.Customer, f.Pseudonym
	err := t.remember(sync, c)
	run := func(query string, args ...any) {
		if err == nil {
			_, err = t.exec(query, args...)
		}
	}
	// A message about the customer is sent again, without the name.
	run(`update notices set changed = changed + 1, attempts = 0, due_at = $3,
    began_at = case when changed > told then began_at else $3 end
where sync = $1 and place <> '' and exists (select 1 from exceptions x where x.sync = notices.sync and x.kind = notices.kind and x.cause = notices.cause and x.customer = $2)`, sync, c, ms(t.now))
	run("update notices set cause = $3 where sync = $1 and cause = $2", sync, c, p)
	run("update exceptions set cause = $3 where sync = $1 and customer = $2 and cause = $2", sync, c, p)
	run("insert into actions (exception_id, done_at, who, verb, note) select id, $3, $4, 'closed', 'the customer was forgotten' from exceptions"+own+
		" and state <> 'resolved'", sync, c, ms(t.now), itself)
	run("update exceptions set state = 'resolved', ignored = ''"+own+" and state <> 'resolved'", sync, c)
	run("update exceptions set customer = $3, candidates = 'null'"+own, sync, c, p)
	run("update events set outcome = $3, reason = '', reason_code = $5, reason_facts = '', settled_at = $4"+own+" and outcome = ''", sync, c, string(status.Ignored), ms(t.now), string(reason.CustomerErased))
	// The ids that polling makes name the customer; a short one is found here only.
	run("update events set customer = $3, payload = $4, event_id = replace(event_id, ':' || $2 || ':', ':' || $3 || ':')"+own, sync, c, p, []byte{})
	run("update customers set desired_event = replace(desired_event, ':' || $2 || ':', ':' || $3 || ':')"+own, sync, c, p)
	run("update decisions set customer = $3, target_id = case when target_id = '' then '' else $3 end"+own, sync, c, p)
	run("update link_history set customer = $3, old_target = case when old_target = '' then '' else $3 end, new_target = case when new_target = '' then '' else $3 end"+own, sync, c, p)
	run("update watched set customer = $3, target_id = case when target_id = '' then '' else $3 end"+own, sync, c, p)
	run("update pins set customer = $3, ended_by = case when ended_at = 0 then $5 else ended_by end, ended_at = case when ended_at = 0 then $4 else ended_at end"+own,
		sync, c, p, ms(t.now), itself)
	run("update activity set customer = $3"+own+" and customer <> ''", sync, c, p)
	run("delete from seen"+own, sync, c)
	run("delete from mentions"+own, sync, c)
	// Its own sentences name it, by whatever name.
	if err == nil {
		err = t.mention(sync, p, f.names.names...)
	}
	run("delete from links"+own, sync, c)
	run("delete from intents"+own, sync, c)
	run("update plan_rows set state = 'refused', note = 'the customer was forgotten', ended_at = $3 where "+sweepsOf+" and customer = $2 and state in ('', 'failed')", sync, c, ms(t.now))
	run("update plan_rows set customer = $3, name = '', sought = '', target_id = case when target_id = '' then '' else $3 end where "+sweepsOf+" and customer = $2", sync, c, p)
	if err == nil {
		err = t.forgetInJobs(sync, c, p)
	}
	// An attempt in progress can no longer settle anything.
	run(`update customers set customer = $3, email = '', name = '', sought = '', base_record_id = case when base_record_id = '' then '' else $3 end,
    fence = fence + 1, generation = generation + 1, due_at = null, owed = 0, ruling = '', halted = '', undone = '', last_write = ''`+own, sync, c, p)
	return err
}

// forgetSweeps ends the comparisons of a sync that are under way: what they have
// read and what they hold in memory may name the customer, and is stored no more.
func (t *tx) forgetSweeps(sync string) error {
	_, err := t.exec("update sweeps set phase = 'failed', failure = 'a customer was forgotten', ended_at = $2, lease_until = 0 where sync = $1 and phase not in ('done', 'failed')", sync, ms(t.now))
	if err == nil {
		_, err = t.exec("update sweeps set source_cursor = '', target_cursor = '', compared_to = '' where sync = $1 and phase in ('done', 'failed')", sync)
	}
	return err
}

// countPages counts the pages that comparisons of a sync have left, all of which
// are dropped. Of a name that only mentions are left of, they count when they
// mention it: otherwise a name that no one ever had would have rows.
func (db *DB) countPages(ctx context.Context, sync string, f *Forgotten) error {
	n, mentioned := 0, f.Customer != ""
	var left []int64
	err := db.view(ctx, func(s scanner) error {
		var id int64
		var pages int
		err := s.Scan(&id, &pages)
		left, n = append(left, id), n+pages
		return err
	}, "select sweep, count(*) from sweep_pages where "+sweepsOf+" group by sweep", sync)
	if err != nil {
		return err
	}
	for _, id := range left {
		for page, err := range db.EachSweepPage(ctx, Sweep{ID: id, Sync: sync}) {
			if err != nil {
				return err
			}
			if mentioned = mentioned || page.mentions(f.names.names); mentioned {
				break
			}
		}
	}
	if mentioned && n > 0 {
		f.Rows["sweep_pages"] = n
	}
	return nil
}

// mentions reports whether a page has one of the names.
func (p SweepPage) mentions(names []string) bool {
	is := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(text string) bool {
			return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(text, name) })
		})
	}
	inKeys := func(keys map[string]string) bool {
		for _, value := range keys {
			if is(value) {
				return true
			}
		}
		return false
	}
	for _, r := range p.Sources {
		if is(r.ID) || inKeys(r.Keys) {
			return true
		}
	}
	for _, r := range p.Targets {
		if is(r.ID, r.By) || inKeys(r.Keys) {
			return true
		}
	}
	return slices.ContainsFunc(p.Taken, func(t Taken) bool { return is(t.TargetID, t.Customer) })
}
