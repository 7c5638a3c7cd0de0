package config

import (
	"fmt"
	"maps"
	"slices"
)

// HasWrittenFields is an optional ability of Settings: to say which fields of a
// record a target side writes, where that is not just the sync's field.
type HasWrittenFields interface {
	// WrittenFields names them, in any way that is the same for the same field
	// of one account; none says that it cannot be told, and may be any.
	WrittenFields(side Side) []string
}

// findTwoWriters reports every sync that writes a field which another one
// writes: what one has written looks to the other like somebody's edit. One that
// only watches writes nothing.
func findTwoWriters(r *report, c *Config) {
	accounts := accountsOf(r, c)
	var before []string
	for _, name := range slices.Sorted(maps.Keys(c.Syncs)) {
		s := c.Syncs[name]
		account, ok := accounts[s.Target.Connection]
		if !ok || s.Watches() {
			continue
		}
		for _, other := range before {
			o := c.Syncs[other]
			if accounts[o.Target.Connection] != account || !meet(c.written(s), c.written(o)) {
				continue
			}
			where := withField(r, name+".target", s.Target.Connection, s.Target.Field)
			if o.Target.Connection != s.Target.Connection {
				where += " = " + withField(r, other+".target", o.Target.Connection, o.Target.Field)
			}
			r.invalid(join(join("syncs", name), "target"), fmt.Sprintf("it writes the same field as sync %s (line %d): %s", other, r.places.line(join(join("syncs", other), "target")), where),
				"remove one of the two, set it to mode: watch, or give it a field of its own: only one sync may decide a field")
			break
		}
		before = append(before, name)
	}
}

// written names the fields that a sync writes, nil when that cannot be told.
func (c *Config) written(s Sync) []string {
	if settings, ok := c.Connections[s.Target.Connection].Settings.(HasWrittenFields); ok {
		return settings.WrittenFields(s.TargetSide())
	}
	if s.Target.Field == "" {
		return nil
	}
	return []string{s.Target.Field}
}

// meet reports whether two lists of fields may have one in common.
func meet(a, b []string) bool {
	return len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, func(field string) bool { return slices.Contains(b, field) })
}
