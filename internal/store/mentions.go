package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// mention notes the names in the texts about a customer, so that the texts are
// found when one of these is forgotten, whatever they say.
func (t *tx) mention(sync, customer string, names ...string) error {
	for _, name := range names {
		if name == "" || name == customer {
			continue
		}
		if _, err := t.exec("insert into mentions (sync, customer, name) values ($1, $2, $3) on conflict (sync, customer, name) do nothing", sync, customer, name); err != nil {
			return err
		}
	}
	return nil
}

// naming are the customers whose sentences name one of the given; "" is the sync
// itself.
func (db *DB) naming(ctx context.Context, sync string, names []string) (found []string, err error) {
	for _, name := range names {
		err := db.view(ctx, func(s scanner) error {
			var customer string
			err := s.Scan(&customer)
			found = append(found, customer)
			return err
		}, "select customer from mentions where sync = $1 and name = $2", sync, name)
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// recordsOfOthers are the columns in which a row of another customer may have the
// id of a record that is the forgotten one's now, and what tells a row.
var recordsOfOthers = []struct{ table, keys, column, where string }{
	{"decisions", "id", "target_id", "sync = $1"},
	{"link_history", "id", "old_target", "sync = $1"},
	{"link_history", "id", "new_target", "sync = $1"},
	{"watched", "id", "target_id", "sync = $1"},
	{"plan_rows", "sweep, customer", "target_id", sweepsOf},
}

// eraseLast takes the names out of what has nothing but them, once nothing else has
// them. The rows are looked for first: nothing is written meanwhile, and no index
// finds them.
func (db *DB) eraseLast(ctx context.Context, sync string, f *Forgotten) error {
	if len(f.names.names) == 0 {
		return nil
	}
	named, places := []any{sync}, make([]string, len(f.names.names))
	for i, name := range f.names.names {
		named = append(named, name)
		places[i] = fmt.Sprintf("$%d", i+2)
	}
	type row struct {
		update string
		keys   []any
	}
	var rows []row
	for _, r := range recordsOfOthers {
		keys := strings.Split(r.keys, ", ")
		at := make([]string, len(keys))
		for i, k := range keys {
			at[i] = fmt.Sprintf("%s = $%d", k, i+2)
		}
		update := "update " + r.table + " set " + r.column + " = $1 where " + strings.Join(at, " and ")
		err := db.view(ctx, func(s scanner) error {
			found := row{update, make([]any, len(keys))}
			into := make([]any, len(keys))
			for i := range into {
				into[i] = &found.keys[i]
			}
			err := s.Scan(into...)
			rows = append(rows, found)
			return err
		}, "select "+r.keys+" from "+r.table+" where "+r.where+" and "+r.column+" in ("+strings.Join(places, ", ")+")", named...)
		if err != nil {
			return err
		}
	}
	return db.update(ctx, func(t *tx) error {
		for _, r := range rows {
			if _, err := t.exec(r.update, append([]any{f.Pseudonym}, r.keys...)...); err != nil {
				return err
			}
		}
		for _, name := range f.names.names {
			if _, err := t.exec("delete from mentions where sync = $1 and name = $2", sync, name); err != nil {
				return err
			}
		}
		return nil
	})
}

// remember keeps what a list may tell of a customer who is forgotten now, so that
// it is not taken for news. A change that is dated later is; so is, where the list
// dates nothing, an event that had not come yet. Only hashes are kept.
func (t *tx) remember(sync, customer string) error {
	if _, err := t.exec("insert into hash_keys (id, hash_key) values (1, $1) on conflict (id) do nothing", rand.Text()); err != nil {
		return err
	}
	hash, _, err := t.hashes()
	if err != nil {
		return err
	}
	until, late := ms(t.now), int64(0)
	var undated []string
	err = t.query(func(s scanner) error {
		var id string
		var occurred int64
		err := s.Scan(&id, &occurred)
		if until = max(until, occurred); occurred == 0 {
			undated = append(undated, id)
		}
		return err
	}, "select event_id, occurred_at from events where sync = $1 and customer = $2 and side = 'source'", sync, customer)
	if err != nil {
		return err
	}
	// By the clock of a source that is behind, now is not yet.
	err = t.query(func(s scanner) error { return s.Scan(&late) }, `
select coalesce(max(listed_late), 0) from connections where name in (select connection from events where sync = $1 and customer = $2 and side = 'source')`, sync, customer)
	if err != nil {
		return err
	}
	put := func(hash string, until int64) error {
		_, err := t.exec(`insert into forgotten (sync, hash, until) values ($1, $2, $3)
on conflict (sync, hash) do update set until = case when excluded.until > forgotten.until then excluded.until else forgotten.until end`, sync, hash, until)
		return err
	}
	for _, id := range undated {
		if err := put(hash("event", id), 0); err != nil {
			return err
		}
	}
	return put(hash("customer", customer), until-late)
}

// hashing hashes the id of a customer or an event.
type hashing func(kind, id string) string

// hashes returns what hashes the ids of people who were forgotten; ok is false when
// no one was.
func (t *tx) hashes() (hash hashing, ok bool, err error) {
	var key string
	if err := t.query(func(s scanner) error { return s.Scan(&key) }, "select hash_key from hash_keys where id = 1"); err != nil {
		return nil, false, err
	}
	return func(kind, id string) string {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(kind + "\x00" + id))
		return hex.EncodeToString(mac.Sum(nil)[:16])
	}, key != "", nil
}

// forgottenOf is hashes for events, nil when no one was forgotten or none of the
// events is out of a list. It is asked once for all of them: a page has hundreds.
func (t *tx) forgottenOf(events []NewEvent) (hashing, error) {
	if !slices.ContainsFunc(events, func(e NewEvent) bool { return e.Listed && e.Side == SourceSide }) {
		return nil, nil
	}
	hash, ok, err := t.hashes()
	if err != nil || !ok {
		return nil, err
	}
	return hash, nil
}

// forgottenSince reports whether an event out of a list tells what was known of a
// customer when he was forgotten.
func (t *tx) forgottenSince(e NewEvent, hash hashing) (known bool, err error) {
	event, customer := hash("event", e.ID), hash("customer", e.Customer)
	err = t.query(func(s scanner) error {
		var found string
		var until int64
		err := s.Scan(&found, &until)
		known = known || found == event || !e.OccurredAt.IsZero() && !e.OccurredAt.After(at(until))
		return err
	}, "select hash, until from forgotten where sync = $1 and hash in ($2, $3)", e.Sync, event, customer)
	return known, err
}

// erased replaces a sentence that named a person by what could be any number or
// word.
const erased = "a customer was forgotten whom this text named"

// sentences are the columns that hold a text for people. Other columns hold ids
// and such, in which the pseudonym takes the name's place.
var sentences = []string{"reason", "last_action", "note", "why", "failure"}

// surely is inText for a row that is known to be about the person, or to name them:
// there a name counts wherever it is.
func (n *namer) surely(column, text string) (string, bool) {
	prose := func(text string) (string, bool) { return n.surely("reason", text) }
	switch column {
	case "asides":
		return n.asidesWithout(text, prose)
	case "reason_facts":
		return n.factsWithout(text, prose)
	case "troubles":
		return n.troublesWithout(text, prose)
	}
	text, changed := n.inText(column, text)
	without, named := replaceWhole(n.anywhere, text, func(string) string { return n.pseudonym })
	switch {
	case !named:
		return text, changed
	case slices.Contains(sentences, column):
		return erased, true
	}
	return without, true
}

// namedIn reports whether a payload names the person who is forgotten, by any name.
func (n *namer) namedIn(payload []byte) bool {
	_, named := replaceWhole(n.anywhere, string(payload), strings.ToLower)
	return named
}
