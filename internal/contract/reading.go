package contract

import (
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// ConfigReading is a configuration that was read: one that was used, with what it
// changed, or one that was refused, with where it is wrong.
type ConfigReading struct {
	Digest  string             `json:"digest"`
	ReadAt  *time.Time         `json:"read_at"`
	Node    string             `json:"node"`
	Used    bool               `json:"used"`
	Changes []SettingChange    `json:"changes"`
	Faults  []store.FaultPlace `json:"faults"`
	// SettingsDeleted: what it said is past its retention, so its changes are not known,
	// nor those of the one after it.
	SettingsDeleted bool `json:"settings_deleted"`
}

// SettingChange is one setting that differs between two configurations. From is
// empty for one that was added, To for one that was removed. Secrets show no value.
type SettingChange struct {
	Path string `json:"path"`
	From string `json:"from"`
	To   string `json:"to"`
}

// ConfigReadingsOf converts the latest readings and refusals, the latest first. The
// first one ever changed nothing.
func ConfigReadingsOf(readings []store.ConfigReading, refusals []store.ConfigRefusal) []ConfigReading {
	rows := []ConfigReading{}
	for i, r := range readings {
		row := ConfigReading{Digest: r.Digest, ReadAt: Stamp(r.At), Node: r.Node, Used: true, Changes: []SettingChange{}, Faults: []store.FaultPlace{}, SettingsDeleted: r.Deleted}
		if i+1 < len(readings) && !r.Deleted && !readings[i+1].Deleted {
			row.Changes = SettingChangesOf(readings[i : i+2])
		}
		rows = append(rows, row)
	}
	for _, r := range refusals {
		rows = append(rows, ConfigReading{Digest: r.Digest, ReadAt: Stamp(r.At), Node: r.Node, Changes: []SettingChange{}, Faults: append([]store.FaultPlace{}, r.Faults...)})
	}
	slices.SortStableFunc(rows, func(a, b ConfigReading) int { return b.ReadAt.Compare(*a.ReadAt) })
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
