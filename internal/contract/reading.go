package contract

import (
	"slices"
	"strings"
	"time"

	"trueup/internal/store"
)

// ConfigReading is a configuration that was used, with what it changed.
type ConfigReading struct {
	Digest  string          `json:"digest"`
	ReadAt  *time.Time      `json:"read_at"`
	Node    string          `json:"node"`
	Changes []SettingChange `json:"changes"`
}

// SettingChange is one setting that differs between two configurations. From is
// empty for one that was added, To for one that was removed. Secrets show no value.
type SettingChange struct {
	Path string `json:"path"`
	From string `json:"from"`
	To   string `json:"to"`
}

// anotherSecret stands for a secret that is written in the file and has changed.
const anotherSecret = "(another secret)"

// ConfigReadingsOf converts the latest readings, the latest first. The first one
// ever changed nothing.
func ConfigReadingsOf(readings []store.ConfigReading) []ConfigReading {
	rows := []ConfigReading{}
	for i, r := range readings {
		row := ConfigReading{Digest: r.Digest, ReadAt: Stamp(r.At), Node: r.Node, Changes: []SettingChange{}}
		if i+1 < len(readings) {
			row.Changes = SettingChangesOf(readings[i : i+2])
		}
		rows = append(rows, row)
	}
	return rows
}

// SettingChangesOf returns what the first of some readings, the latest, changed
// against the last.
func SettingChangesOf(readings []store.ConfigReading) []SettingChange {
	now, before := readings[0].Settings, readings[len(readings)-1].Settings
	changes := []SettingChange{}
	for path, text := range now {
		if old, ok := before[path]; !ok || old != text {
			changes = append(changes, SettingChange{path, old, text})
		}
	}
	for path, text := range before {
		if _, ok := now[path]; !ok {
			changes = append(changes, SettingChange{Path: path, From: text})
		}
	}
	for _, r := range readings[:len(readings)-1] {
		for _, path := range r.Secrets {
			if !slices.ContainsFunc(changes, func(c SettingChange) bool { return c.Path == path }) {
				changes = append(changes, SettingChange{path, now[path], anotherSecret})
			}
		}
	}
	slices.SortFunc(changes, func(a, b SettingChange) int { return strings.Compare(a.Path, b.Path) })
	return changes
}
