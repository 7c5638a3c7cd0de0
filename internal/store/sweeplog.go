package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// SweepPage is a step of a comparison as its log has it: a page that a tool
// listed, or what the match rules found in a batch.
type SweepPage struct {
	Seq     int64
	ReadAt  time.Time // when Sources and Targets were asked for
	Sources []status.SourceRecord
	Targets []status.TargetRecord
	Taken   []Taken
}

// Taken says for whom the match rules found a record of the target.
type Taken struct {
	TargetID string `json:"target"`
	Customer string `json:"customer"`
}

// The sides of a page in the log.
const (
	sourcePage = "source"
	targetPage = "target"
	takenPage  = "taken"
)

// loggedSource and loggedTarget are records as the log has them.
type loggedSource struct {
	ID        string            `json:"id"`
	Value     string            `json:"value,omitempty"`
	NoStatus  bool              `json:"no_status,omitempty"`
	ValueAt   int64             `json:"value_at,omitempty"`
	UpdatedAt int64             `json:"updated_at,omitempty"`
	Keys      map[string]string `json:"keys,omitempty"`
}

type loggedTarget struct {
	ID        string            `json:"id"`
	Value     string            `json:"value,omitempty"`
	EditedAt  int64             `json:"edited_at,omitempty"`
	FieldTime bool              `json:"field_time,omitempty"`
	Actor     status.Actor      `json:"actor,omitempty"`
	By        string            `json:"by,omitempty"`
	Revision  string            `json:"revision,omitempty"`
	Keys      map[string]string `json:"keys,omitempty"`
}

// logSweep appends what a comparison has read or matched to its log.
func (t *tx) logSweep(w Sweep, p SweepPart) error {
	sources, targets := make([]loggedSource, len(p.Sources)), make([]loggedTarget, len(p.Targets))
	for i, r := range p.Sources {
		sources[i] = loggedSource{cleaned(r.ID), cleaned(r.Value), r.NoStatus, ms(r.ValueAt), ms(r.UpdatedAt), cleanedKeys(r.Keys)}
	}
	for i, r := range p.Targets {
		targets[i] = loggedTarget{cleaned(r.ID), cleaned(r.Value), ms(r.EditedAt), r.FieldTime, r.Actor, cleaned(r.By), cleaned(r.Revision), cleanedKeys(r.Keys)}
	}
	return errors.Join(logPage(t, w, sourcePage, p.ReadAt, sources), logPage(t, w, targetPage, p.ReadAt, targets),
		logPage(t, w, takenPage, time.Time{}, p.Taken))
}

func logPage[T any](t *tx, w Sweep, side string, read time.Time, records []T) error {
	if len(records) == 0 {
		return nil
	}
	text, err := json.Marshal(records)
	if err != nil {
		return err
	}
	_, err = t.exec(`insert into sweep_pages (sweep, seq, side, read_at, records)
values ($1, (select coalesce(max(seq), 0) + 1 from sweep_pages where sweep = $1), $2, $3, $4)`, w.ID, side, ms(read), string(text))
	return err
}

func cleanedKeys(keys map[string]string) map[string]string {
	all := make(map[string]string, len(keys))
	for name, value := range keys {
		all[cleaned(name)] = cleaned(value)
	}
	return all
}

// pagesAtOnce is how many pages of a log are held in memory.
const pagesAtOnce = 8

// EachSweepPage gives the log of a comparison in the order in which it was
// written. It ends with the first error.
func (db *DB) EachSweepPage(ctx context.Context, w Sweep) iter.Seq2[SweepPage, error] {
	return func(yield func(SweepPage, error) bool) {
		for after := int64(0); ; {
			var pages []SweepPage
			err := db.view(ctx, func(s scanner) error {
				p, err := scanSweepPage(s)
				pages = append(pages, p)
				return err
			}, "select seq, side, read_at, records from sweep_pages where sweep = $1 and seq > $2 order by seq limit $3", w.ID, after, pagesAtOnce)
			if err != nil {
				yield(SweepPage{}, fmt.Errorf("read what a comparison of %s has read: %w", w.Sync, err))
				return
			}
			for _, p := range pages {
				if !yield(p, nil) {
					return
				}
				after = p.Seq
			}
			if len(pages) < pagesAtOnce {
				return
			}
		}
	}
}

func scanSweepPage(s scanner) (SweepPage, error) {
	var p SweepPage
	var side string
	var read int64
	var records []byte
	if err := s.Scan(&p.Seq, &side, &read, &records); err != nil {
		return p, err
	}
	p.ReadAt = at(read)
	switch side {
	case sourcePage:
		var all []loggedSource
		err := json.Unmarshal(records, &all)
		for _, r := range all {
			p.Sources = append(p.Sources, status.SourceRecord{ID: r.ID, Value: r.Value, NoStatus: r.NoStatus, ValueAt: at(r.ValueAt), UpdatedAt: at(r.UpdatedAt), Keys: r.Keys})
		}
		return p, err
	case targetPage:
		var all []loggedTarget
		err := json.Unmarshal(records, &all)
		for _, r := range all {
			p.Targets = append(p.Targets, status.TargetRecord{ID: r.ID, Value: r.Value, EditedAt: at(r.EditedAt), FieldTime: r.FieldTime, Actor: r.Actor, By: r.By, Revision: r.Revision, Keys: r.Keys})
		}
		return p, err
	}
	return p, json.Unmarshal(records, &p.Taken)
}

// CleanSweeps drops what comparisons have read that have ended, or that nobody
// went on with for a day: it holds personal data.
func (db *DB) CleanSweeps(ctx context.Context) error {
	err := db.update(ctx, func(t *tx) error {
		_, err := t.exec("update sweeps set phase = 'failed', failure = 'nobody went on with it for a day', ended_at = $1, lease_until = 0 where phase not in ('done', 'failed') and lease_until < $2 and began_at < $2",
			ms(t.now), ms(t.now.Add(-abandonedAfter)))
		return err
	})
	if err == nil {
		err = db.dropPages(ctx, "phase in ('done', 'failed')")
	}
	if err != nil {
		return fmt.Errorf("drop what comparisons have read: %w", err)
	}
	return nil
}

// abandonedAfter is when a comparison that nobody went on with is given up.
const abandonedAfter = 24 * time.Hour

// pagesDropped is how many pages one transaction drops: others wait for it.
const pagesDropped = 100

// dropPages drops the logs of the comparisons that are so.
func (db *DB) dropPages(ctx context.Context, sweeps string, args ...any) error {
	var ended []int64
	err := db.view(ctx, func(s scanner) error {
		var id int64
		err := s.Scan(&id)
		ended = append(ended, id)
		return err
	}, "select id from sweeps where "+sweeps+" and exists (select 1 from sweep_pages where sweep = sweeps.id)", args...)
	for _, id := range ended {
		for n := int64(pagesDropped); n == pagesDropped && err == nil; {
			err = db.update(ctx, func(t *tx) error {
				n, err = t.exec("delete from sweep_pages where sweep = $1 and seq in (select seq from sweep_pages where sweep = $1 order by seq limit $2)", id, pagesDropped)
				return err
			})
		}
	}
	return err
}
