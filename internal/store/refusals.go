package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// ConfigRefusal is a changed configuration that a process read and did not use.
type ConfigRefusal struct {
	Digest string // of the file's text
	At     time.Time
	Node   string
	// Faults are where the file is wrong. What it says there is not kept: it may be
	// a secret in the wrong place.
	Faults []FaultPlace
}

// FaultPlace is where a fault of a file is: a line, 0 for the file as a whole, and
// the path of the key.
type FaultPlace struct {
	Line int    `json:"line"`
	Path string `json:"path"`
}

// NoteRefusal notes a configuration that a process refuses, unless the last one
// that was noted is the same: each process of a database reads it.
func (db *DB) NoteRefusal(ctx context.Context, r ConfigRefusal) error {
	faults, err := json.Marshal(append([]FaultPlace{}, r.Faults...))
	if err != nil {
		return fmt.Errorf("note which configuration is refused: %w", err)
	}
	err = db.update(ctx, func(t *tx) error {
		_, err := t.exec(`insert into config_refusals (digest, read_at, node, faults) select $1, $2, $3, $4
where not exists (select 1 from config_refusals where digest = $1 and faults = $4 and id = (select max(id) from config_refusals)
    and not exists (select 1 from config_readings r where r.read_at > config_refusals.read_at))`,
			r.Digest, ms(t.now), r.Node, string(faults))
		return err
	})
	if err != nil {
		return fmt.Errorf("note which configuration is refused: %w", err)
	}
	return nil
}

// ConfigRefusals returns the latest refusals, the latest first.
func (db *DB) ConfigRefusals(ctx context.Context, limit int) ([]ConfigRefusal, error) {
	var found []ConfigRefusal
	err := db.view(ctx, func(s scanner) error {
		var r ConfigRefusal
		var read int64
		var faults []byte
		err := s.Scan(&r.Digest, &read, &r.Node, &faults)
		if err == nil {
			err = json.Unmarshal(faults, &r.Faults)
		}
		r.At = at(read)
		found = append(found, r)
		return err
	}, "select digest, read_at, node, faults from config_refusals order by id desc limit $1", limit)
	if err != nil {
		return nil, fmt.Errorf("read which configurations were refused: %w", err)
	}
	return found, nil
}
