package store

import (
	"context"
	"fmt"
	"time"
)

// Word is a value that a side was seen to hold, and how many hold it. "" is an
// empty field of the target.
type Word struct {
	Side      Side
	Value     string
	Customers int
	SeenAt    time.Time
}

// MostWords bounds what is kept of a side: a field that holds any text has as
// many values as customers.
const MostWords = 200

// Vocabulary returns the values that the last comparison of a sync saw, the
// source's first and those of most customers first.
func (db *DB) Vocabulary(ctx context.Context, sync string) ([]Word, error) {
	var found []Word
	err := db.view(ctx, func(s scanner) error {
		var w Word
		var seen int64
		err := s.Scan(&w.Side, &w.Value, &w.Customers, &seen)
		w.SeenAt = at(seen)
		found = append(found, w)
		return err
	}, "select side, value, customers, seen_at from vocabulary where sync = $1 order by side, customers desc, value", sync)
	if err != nil {
		return nil, fmt.Errorf("read the vocabulary of %s: %w", sync, err)
	}
	return found, nil
}

// SeenWords counts the values that the customers of a sync were last seen to
// hold on a side: they stand for those of a side that cannot be listed.
func (db *DB) SeenWords(ctx context.Context, sync string, side Side) ([]Word, error) {
	from := "select desired_source_value, count(*) from customers where sync = $1 and desired_source_value <> ''"
	if side == TargetSide {
		from = "select observed_value, count(*) from customers where sync = $1 and observed_seen_at > 0"
	}
	var found []Word
	err := db.view(ctx, func(s scanner) error {
		word := Word{Side: side}
		err := s.Scan(&word.Value, &word.Customers)
		found = append(found, word)
		return err
	}, from+" group by 1 order by 2 desc, 1 limit $2", sync, MostWords)
	if err != nil {
		return nil, fmt.Errorf("count the values of %s: %w", sync, err)
	}
	return found, nil
}

// putVocabulary replaces what is known of a sync.
func (t *tx) putVocabulary(sync string, words []Word) error {
	if _, err := t.exec("delete from vocabulary where sync = $1", sync); err != nil {
		return err
	}
	for _, w := range words {
		_, err := t.exec("insert into vocabulary (sync, side, value, customers, seen_at) values ($1, $2, $3, $4, $5)",
			sync, string(w.Side), w.Value, w.Customers, ms(t.now))
		if err != nil {
			return err
		}
	}
	return nil
}

const ignoredWords = "select distinct desired_source_value from customers where sync = $1 and " + wasIgnored + " order by 1"

// IgnoredWords returns the words of the source that were listed under ignore when
// their customers were last read.
func (db *DB) IgnoredWords(ctx context.Context, sync string) ([]string, error) {
	var words []string
	err := db.view(ctx, func(s scanner) error {
		var word string
		err := s.Scan(&word)
		words = append(words, word)
		return err
	}, ignoredWords, sync)
	if err != nil {
		return nil, fmt.Errorf("read which words of %s were ignored: %w", sync, err)
	}
	return words, nil
}

// wasIgnored chooses customers whose word was listed under ignore. What a sync
// that only watches would have written is ignored as well, and has a value. The
// condition of customers_out_of_line is repeated, since SQLite does not see that
// it follows: without the index, each start reads all customers.
const wasIgnored = "outcome = 'ignored' and outcome not in ('', 'applied', 'already_equal') and desired_value = '' and desired_source_value <> ''"

// LookAtIgnored makes the customers due whose word was ignored, and returns how
// many there are.
func (db *DB) LookAtIgnored(ctx context.Context, sync, word string) (n int, err error) {
	err = db.update(ctx, func(t *tx) error {
		if t.db.lock != "" { // as lockCustomers does
			if _, err := t.exec("select 1 from customers where sync = $1 and desired_source_value = $2 and "+wasIgnored+" order by sync, customer for update", sync, word); err != nil {
				return err
			}
		}
		changed, err := t.exec(`update customers set generation = generation + 1, due_at = $3, attempts = 0, first_try = 0
where sync = $1 and desired_source_value = $2 and customer not like $4 and `+wasIgnored, sync, word, ms(t.now), forgottenPrefix+"%")
		n = int(changed)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look again at customers of %s: %w", sync, err)
	}
	return n, nil
}
