package config

import (
	"time"

	"trueup/internal/status"
)

// Config is a whole, valid trueup.yaml.
type Config struct {
	// Path is the file it was read from.
	Path        string                `yaml:"-"`
	Listen      string                `yaml:"listen"`
	PublicURL   string                `yaml:"public_url"`
	Database    Secret                `yaml:"database"` // may hold a password
	Connections map[string]Connection `yaml:"connections"`
	Syncs       map[string]Sync       `yaml:"syncs"`
	Notify      Notify                `yaml:"notify"`
}

// Connection is the credentials and settings of one account in one tool.
type Connection struct {
	Name      string        `yaml:"-"`
	Type      string        `yaml:"type"`
	BaseURL   string        `yaml:"base_url"`
	Timeout   time.Duration `yaml:"timeout"`    // of one call; 10s unless set
	RateLimit *RateLimit    `yaml:"rate_limit"` // nil: no limit of ours
	// Settings holds the keys that belong to the connection's type; they stand
	// beside the common ones in the file.
	Settings Settings `yaml:"-"`
}

// RateLimit is at most Requests calls in any Per, over all nodes.
type RateLimit struct {
	Requests int           `yaml:"requests"`
	Per      time.Duration `yaml:"per"`
}

// Sync is one one-way flow of one status.
type Sync struct {
	Name          string                      `yaml:"-"`
	Source        Source                      `yaml:"source"`
	Target        Target                      `yaml:"target"`
	Match         []MatchRule                 `yaml:"match"`
	MinConfidence float64                     `yaml:"min_confidence"` // 0.8 unless set
	Statuses      map[status.Status]StatusMap `yaml:"statuses"`
	Ignore        []string                    `yaml:"ignore"`
	Conflict      ConflictRule                `yaml:"conflict"`
	Mode          string                      `yaml:"mode"`          // live (default) | watch
	FirstContact  string                      `yaml:"first_contact"` // ask (default) | source_wins
	Owners        map[string]string           `yaml:"owners"`        // default or a status.Kind → owner
	Sweep         *Sweep                      `yaml:"sweep"`
	Limits        *Limits                     `yaml:"limits"`
}

// Source is the deciding side of a sync.
type Source struct {
	Connection string        `yaml:"connection"`
	Field      string        `yaml:"field"`
	Poll       time.Duration `yaml:"poll"` // 0: ask for missed changes at start only
}

// Target is the following side of a sync.
type Target struct {
	Connection string `yaml:"connection"`
	Field      string `yaml:"field"`
}

// MatchRule finds the target record whose Target key equals the source's
// Source key. The target key "id" is the record's own id.
type MatchRule struct {
	Source     string  `yaml:"source"`
	Target     string  `yaml:"target"`
	Confidence float64 `yaml:"confidence"` // 1 unless set
}

// StatusMap says which source values mean a status and what the target calls it.
type StatusMap struct {
	From []string `yaml:"from"`
	To   string   `yaml:"to"`
}

// ConflictRule is what happens when the target holds what we did not write.
type ConflictRule struct {
	Rule            string        `yaml:"rule"`             // skip_newer_human_edit
	ClockSkew       time.Duration `yaml:"clock_skew"`       // 2s unless set
	AutomationEdits string        `yaml:"automation_edits"` // write (default) | skip
}

// Sweep is the schedule of full comparisons.
type Sweep struct {
	Every  time.Duration `yaml:"every"`
	Repair bool          `yaml:"repair"`
}

// Limits stop a catastrophe.
type Limits struct {
	MassChange        *MassChange        `yaml:"mass_change"`
	WritesPerCustomer *WritesPerCustomer `yaml:"writes_per_customer"`
}

// MassChange bounds how many customers may move to one of the statuses To.
type MassChange struct {
	To        []status.Status `yaml:"to"`
	Customers int             `yaml:"customers"`
	Percent   float64         `yaml:"percent"`
	Within    time.Duration   `yaml:"within"`
}

// WritesPerCustomer bounds the writes to one customer.
type WritesPerCustomer struct {
	Count  int           `yaml:"count"`
	Within time.Duration `yaml:"within"`
}

// Notify is where people are told.
type Notify struct {
	Slack *Slack `yaml:"slack"`
}

// Slack is a Slack app's credentials and the channel it posts to.
type Slack struct {
	BotToken      Secret `yaml:"bot_token"`
	SigningSecret Secret `yaml:"signing_secret"`
	Channel       string `yaml:"channel"`
}

// The values of Sync.Mode, Sync.FirstContact and ConflictRule.
const (
	ModeLive           = "live"
	ModeWatch          = "watch"
	Ask                = "ask"
	SourceWins         = "source_wins"
	SkipNewerHumanEdit = "skip_newer_human_edit"
	AutomationWrite    = "write"
	AutomationSkip     = "skip"
)

// Owner returns who is responsible for exceptions of the kind, "" when nobody
// is named.
func (s Sync) Owner(kind status.Kind) string {
	if o, ok := s.Owners[string(kind)]; ok {
		return o
	}
	return s.Owners["default"]
}
