package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"trueup/internal/status"
)

// HasReadField is an optional ability of Settings: to say by what the status of
// a record is read, where the connection says it and not the sync.
type HasReadField interface {
	ReadField() string
}

// Rules returns a hash of all that a sync's configuration says about the
// decision: which accounts and fields, what values mean, how customers are
// matched, and who wins.
func (s Sync) Rules() string {
	return hashOf(struct {
		Source        [3]string
		Target        [3]string
		Match         []MatchRule
		MinConfidence float64
		Statuses      map[status.Status]StatusMap
		Ignore        []string
		Conflict      ConflictRule
		FirstContact  string
	}{[3]string{s.Source.Connection, s.Source.Account, s.Source.Field}, [3]string{s.Target.Connection, s.Target.Account, s.Target.Field}, s.Match, s.MinConfidence,
		s.Statuses, s.Ignore, s.Conflict, s.FirstContact})
}

// Looks returns a hash of what decides which record and which field a look at a
// customer is about: after it has changed, what was seen before says nothing. The
// map is not part of it, as what was seen can be judged by any map; nor are the
// accounts, which no file can change by itself (see Identity).
func (s Sync) Looks() string {
	return hashOf([]any{s.Source.Kept, s.Target.Kept, s.Match, s.MinConfidence})
}

func hashOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("the rules of a sync are not JSON: %v", err)) // texts and numbers only
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// kept returns a hash of where a connection keeps the status for a side.
func (c Connection) kept(side Side) string {
	field, read, written := side.Field, "", []string(nil)
	if s, ok := c.Settings.(HasReadField); ok {
		field, read = "", s.ReadField()
	}
	if s, ok := c.Settings.(HasWrittenFields); ok && side.Target {
		// Of tags the words are the fields; which ones there are is the map's.
		if written = s.WrittenFields(Side{Field: side.Field, Target: true}); len(written) > 0 {
			field = ""
		}
	}
	return hashOf([]any{field, read, written})
}
