package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// ConfigReading is a configuration that a process began to use.
type ConfigReading struct {
	Digest string // of the file's text; decisions name it
	At     time.Time
	Node   string
	// Settings are its values by path, as they are written in the file, with no
	// secret in them. Secrets are the paths of secrets that had another value in the
	// configuration before, as far as the process had both.
	Settings map[string]string
	Secrets  []string
}

// NoteConfig notes a configuration that a process uses from now on, unless it is
// the one that was noted last.
func (db *DB) NoteConfig(ctx context.Context, r ConfigReading) error {
	settings, err := json.Marshal(r.Settings)
	if err != nil {
		return fmt.Errorf("note which configuration is used: %w", err)
	}
	secrets, err := json.Marshal(append([]string{}, r.Secrets...))
	if err != nil {
		return fmt.Errorf("note which configuration is used: %w", err)
	}
	err = db.update(ctx, func(t *tx) error {
		_, err := t.exec(`insert into config_readings (digest, read_at, node, settings, secrets) select $1, $2, $3, $4, $5
where not exists (select 1 from config_readings where digest = $1 and id = (select max(id) from config_readings))`,
			r.Digest, ms(t.now), r.Node, string(settings), string(secrets))
		return err
	})
	if err != nil {
		return fmt.Errorf("note which configuration is used: %w", err)
	}
	return nil
}

// ConfigReadings returns the latest readings, the latest first. Of nodes that read
// the same file one after the other, one is returned: the first.
func (db *DB) ConfigReadings(ctx context.Context, limit int) ([]ConfigReading, error) {
	var found []ConfigReading
	err := db.view(ctx, func(s scanner) error {
		var r ConfigReading
		var read int64
		var settings, secrets []byte
		err := s.Scan(&r.Digest, &read, &r.Node, &settings, &secrets)
		if err == nil {
			err = json.Unmarshal(settings, &r.Settings)
		}
		if err == nil {
			err = json.Unmarshal(secrets, &r.Secrets)
		}
		r.At = at(read)
		if n := len(found); n > 0 && found[n-1].Digest == r.Digest {
			found[n-1] = r
			return err
		}
		found = append(found, r)
		return err
	}, "select digest, read_at, node, settings, secrets from config_readings order by id desc limit $1", limit)
	if err != nil {
		return nil, fmt.Errorf("read which configurations were used: %w", err)
	}
	return found, nil
}
