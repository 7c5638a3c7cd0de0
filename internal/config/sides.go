package config

import (
	"maps"
	"slices"
	"time"
)

// Side is what one side of a sync wants of its connection.
type Side struct {
	Field string
	// Values are the words of the tool that the sync names.
	Values []string
	// Target says that it is the side that follows.
	Target bool
}

// HasSides is an optional ability of Settings: to check what a sync wants of a
// connection of this type.
type HasSides interface {
	// CheckSide reports every fault, at paths relative to the sync's source or
	// target, such as field.
	CheckSide(c *Checker, side Side)
}

// HasRateLimit is an optional ability of Settings: to know what the tool
// allows when the file does not say.
type HasRateLimit interface {
	DefaultRateLimit() RateLimit
}

// CallLimit is what the file says or, where it does not, what the type knows of
// its tool; nil is no limit.
func (c Connection) CallLimit() *RateLimit {
	if c.RateLimit != nil {
		return c.RateLimit
	}
	if s, ok := c.Settings.(HasRateLimit); ok {
		limit := s.DefaultRateLimit()
		return &limit
	}
	return nil
}

// HasTokens is an optional ability of Settings: to say that the connection
// keeps tokens in the database, which are sealed there.
type HasTokens interface {
	KeepsTokens() bool
}

// HasCredentials is an optional ability of Settings: to name the credentials that
// the connection's calls are made with.
type HasCredentials interface {
	Credentials() []Credential
}

// Credential is something that proves who calls, and how long it may.
type Credential struct {
	Key    string // where it stands in the file, below the connection
	Secret Secret // "" for what the database keeps
	// Rotate is the age at which the tool advises another one, 0 where it does not.
	Rotate time.Duration
	// Idle is how long it lasts without use, for what the database keeps.
	Idle time.Duration
}

// SourceSide and TargetSide are what the two sides of a sync want.
func (s Sync) SourceSide() Side {
	side := Side{Field: s.Source.Field}
	for _, word := range slices.Sorted(maps.Keys(s.Statuses)) {
		side.Values = append(side.Values, s.Statuses[word].From...)
	}
	side.Values = append(side.Values, s.Ignore...)
	return side
}

func (s Sync) TargetSide() Side {
	side := Side{Field: s.Target.Field, Target: true}
	for _, word := range slices.Sorted(maps.Keys(s.Statuses)) {
		side.Values = append(side.Values, s.Statuses[word].To)
	}
	return side
}

// checkSides lets each connector check the syncs' sides that are of its type.
func checkSides(r *report, c *Config) {
	check := func(path, connection string, side Side) {
		if s, ok := c.Connections[connection].Settings.(HasSides); ok {
			s.CheckSide(&Checker{prefix: path, report: r.invalid}, side)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Syncs)) {
		sync, path := c.Syncs[name], join("syncs", name)
		check(join(path, "source"), sync.Source.Connection, sync.SourceSide())
		check(join(path, "target"), sync.Target.Connection, sync.TargetSide())
	}
}
