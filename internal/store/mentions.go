package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
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
// id of a record that is the forgotten one's now.
var recordsOfOthers = map[string][]string{"decisions": {"target_id"}, "link_history": {"old_target", "new_target"}, "watched": {"target_id"}, "plan_rows": {"target_id"}}

// eraseLast takes the names out of what has nothing but them, once nothing else has
// them.
func (t *tx) eraseLast(sync string, f *Forgotten) error {
	for _, name := range f.names.names {
		for table, columns := range recordsOfOthers {
			where := "sync = $1"
			if table == "plan_rows" {
				where = sweepsOf
			}
			for _, column := range columns {
				if _, err := t.exec("update "+table+" set "+column+" = $3 where "+where+" and "+column+" = $2", sync, name, f.Pseudonym); err != nil {
					return err
				}
			}
		}
		if _, err := t.exec("delete from mentions where sync = $1 and name = $2", sync, name); err != nil {
			return err
		}
	}
	return nil
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
