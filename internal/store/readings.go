package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
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
	// Deleted: it is so old that its settings are gone. The digest stays, for the
	// decisions that name it.
	Deleted bool
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
		before := ConfigReading{}
		found := false
		err := t.query(func(s scanner) error {
			var settings []byte
			found = true
			if err := s.Scan(&before.Digest, &settings); err != nil {
				return err
			}
			return json.Unmarshal(settings, &before.Settings)
		}, "select digest, settings from config_readings order by id desc limit 1")
		if err != nil || found && before.Digest == r.Digest {
			return err
		}
		_, err = t.exec("insert into config_readings (digest, read_at, node, settings, secrets) values ($1, $2, $3, $4, $5)",
			r.Digest, ms(t.now), r.Node, string(settings), string(secrets))
		if err != nil {
			return err
		}
		act := reason.Reason{Code: reason.ActFileFirst}
		if found {
			changes := SettingChanges([]ConfigReading{r, before})
			act = reason.Reason{Code: reason.ActFileRead, Facts: reason.Facts{Count: len(changes), Changes: changes[:min(len(changes), mostChanges)]}}
		}
		return t.record(ctx, Activity{Who: itself, Way: ByFile, Act: act})
	})
	if err != nil {
		return fmt.Errorf("note which configuration is used: %w", err)
	}
	return nil
}

// mostChanges is how many changed settings an act keeps.
const mostChanges = 20

// anotherSecret stands for a secret that is written in the file and has changed.
const anotherSecret = "(another secret)"

// SettingChanges returns what the first of some readings, the latest, changed
// against the last, by path. Secrets show no value.
func SettingChanges(readings []ConfigReading) []reason.Change {
	now, before := readings[0].Settings, readings[len(readings)-1].Settings
	changes := []reason.Change{}
	for path, text := range now {
		if old, ok := before[path]; !ok || old != text {
			changes = append(changes, reason.Change{Path: path, From: old, To: text})
		}
	}
	for path, text := range before {
		if _, ok := now[path]; !ok {
			changes = append(changes, reason.Change{Path: path, From: text})
		}
	}
	for _, r := range readings[:len(readings)-1] {
		for _, path := range r.Secrets {
			if !slices.ContainsFunc(changes, func(c reason.Change) bool { return c.Path == path }) {
				changes = append(changes, reason.Change{Path: path, From: now[path], To: anotherSecret})
			}
		}
	}
	slices.SortFunc(changes, func(a, b reason.Change) int { return strings.Compare(a.Path, b.Path) })
	return changes
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
		if r.Deleted = len(settings) == 0; err == nil && !r.Deleted {
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
