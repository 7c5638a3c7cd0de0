package contract

import (
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
	changes := []SettingChange{}
	for _, c := range store.SettingChanges(readings) {
		changes = append(changes, SettingChange(c))
	}
	return changes
}
