package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/status"
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
	return hashOf(hashedRules{
		Source:        [3]string{s.Source.Connection, s.Source.Account, s.Source.Field},
		Target:        [3]string{s.Target.Connection, s.Target.Account, s.Target.Field},
		Match:         hashedMatch(s.Match),
		MinConfidence: s.MinConfidence,
		Statuses:      hashedStatuses(s.Statuses),
		Ignore:        s.Ignore,
		Conflict:      hashedConflict(s.Conflict),
		FirstContact:  s.FirstContact,
		Transitions:   hashedTransitionsOf(s.Transitions),
	})
}

// Policy returns a hash of what the file says of changes to a status, "" when it
// says nothing.
func (s Sync) Policy() string {
	if s.Transitions == nil {
		return ""
	}
	return hashOf(hashedTransitionsOf(s.Transitions))
}

// Looks returns a hash of what decides which record and which field a look at a
// customer is about: after it has changed, what was seen before says nothing. The
// map is not part of it, as what was seen can be judged by any map; nor are the
// accounts, which no file can change by itself (see Identity).
func (s Sync) Looks() string {
	return hashOf([]any{s.Source.Kept, s.Target.Kept, hashedMatch(s.Match), s.MinConfidence})
}

// These types are what a hash is made of. Their tags are part of every stored
// hash, so that a field of the configuration can be renamed in Go without making
// every plan look as if it was made under other rules.
type (
	hashedRules struct {
		Source        [3]string                      `json:"Source"`
		Target        [3]string                      `json:"Target"`
		Match         []hashedMatchRule              `json:"Match"`
		MinConfidence float64                        `json:"MinConfidence"`
		Statuses      map[status.Status]hashedStatus `json:"Statuses"`
		Ignore        []string                       `json:"Ignore"`
		Conflict      hashedConflict                 `json:"Conflict"`
		FirstContact  string                         `json:"FirstContact"`
		Transitions   *hashedTransitions             `json:"Transitions,omitempty"` // left out, the hash is that of a file from before
	}
	hashedTransitions struct {
		To     map[status.Status]hashedTransition `json:"To"`
		Forbid [][2]status.Status                 `json:"Forbid"`
	}
	hashedTransition struct {
		After time.Duration `json:"After"`
		Hours string        `json:"Hours"`
		Ask   bool          `json:"Ask"`
	}
	hashedMatchRule struct {
		Source     string        `json:"Source"`
		Target     string        `json:"Target"`
		Confidence float64       `json:"Confidence"`
		Normalise  identity.Form `json:"Normalise,omitempty"`
		Region     string        `json:"Region,omitempty"`
		Several    string        `json:"Several,omitempty"`
		Precedence []string      `json:"Precedence,omitempty"`
	}
	hashedStatus struct {
		From []string `json:"From"`
		To   string   `json:"To"`
	}
	hashedConflict struct {
		Rule            string        `json:"Rule"`
		ClockSkew       time.Duration `json:"ClockSkew"`
		AutomationEdits string        `json:"AutomationEdits"`
	}
)

func hashedMatch(rules []MatchRule) []hashedMatchRule {
	if rules == nil {
		return nil // null in JSON, unlike a list that is empty
	}
	hashed := make([]hashedMatchRule, len(rules))
	for i, r := range rules {
		hashed[i] = hashedMatchRule(r)
		if r.Several != SeveralFold { // the hash is that of a file from before
			hashed[i].Several = ""
		}
	}
	return hashed
}

func hashedStatuses(statuses map[status.Status]StatusMap) map[status.Status]hashedStatus {
	if statuses == nil {
		return nil
	}
	hashed := make(map[status.Status]hashedStatus, len(statuses))
	for name, m := range statuses {
		hashed[name] = hashedStatus{From: m.From, To: m.To}
	}
	return hashed
}

func hashedTransitionsOf(t *Transitions) *hashedTransitions {
	if t == nil {
		return nil
	}
	hashed := &hashedTransitions{To: map[status.Status]hashedTransition{}}
	for to, one := range t.To {
		h := hashedTransition{After: one.After, Ask: one.Ask}
		if one.Hours != nil {
			h.Hours = one.Hours.String()
		}
		hashed.To[to] = h
	}
	for _, c := range t.Forbid {
		hashed.Forbid = append(hashed.Forbid, [2]status.Status{c.From, c.To})
	}
	return hashed
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
