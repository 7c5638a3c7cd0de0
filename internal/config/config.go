package config

import (
	"net/netip"
	"time"

	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/status"
)

// Config is a whole, valid trueup.yaml.
type Config struct {
	// Path is the file it was read from.
	Path string `yaml:"-"`
	// Hash tells its text from another.
	Hash string `yaml:"-"`
	// Written are its values as they are written.
	Written []Setting `yaml:"-"`
	// Shown are its lines without its secrets.
	Shown  []ShownLine `yaml:"-"`
	Listen string      `yaml:"listen" jsonschema:"default=127.0.0.1:8080" jsonschema_description:"The host and port for webhooks and, unless admin_listen is set, for everything else."`
	// AdminListen is "" when everything is served on Listen.
	AdminListen string `yaml:"admin_listen" jsonschema:"example=127.0.0.1:8081" jsonschema_description:"Another host and port for the pages, the API and the metrics, so that listen serves only webhooks, /oauth/, Slack's buttons, /healthz and /readyz."`
	PublicURL   string `yaml:"public_url" jsonschema:"example=https://sync.example.com" jsonschema_description:"The address at which the tools reach this server."`
	Database    Secret `yaml:"database" jsonschema:"default=trueup.db" jsonschema_description:"A path is a SQLite file (relative to this file's folder); postgres://… is PostgreSQL."` // may hold a password
	// EncryptionKey seals what is kept in the database for OAuth; see Key.
	EncryptionKey Secret                `yaml:"encryption_key" jsonschema_description:"32 random bytes in base64 or hex that encrypt stored OAuth tokens; required by connections with oauth."`
	Connections   map[string]Connection `yaml:"connections" jsonschema:"required" jsonschema_description:"The accounts at the tools, under names of your choice."`
	Syncs         map[string]Sync       `yaml:"syncs" jsonschema:"required" jsonschema_description:"The one-way flows, under names of your choice."`
	Alarms        Alarms                `yaml:"alarms" jsonschema_description:"When an alarm is on, where that can be chosen."`
	Heartbeat     *Heartbeat            `yaml:"heartbeat" jsonschema_description:"An address that is called while Trueup works, for a service that notices when the calls stop."`
	Notify        Notify                `yaml:"notify" jsonschema_description:"Where people are notified."`
	Retention     Retention             `yaml:"retention" jsonschema_description:"How long received events and decisions are kept (default: payloads 30d, history 400d); off keeps everything."`
	People        map[string]Person     `yaml:"people" jsonschema_description:"The owners, by email address."`
	SignIn        SignIn                `yaml:"sign_in" jsonschema_description:"How people sign in to the pages, and how long that lasts."`

	places  places
	notices []Notice
}

// Heartbeat is an address that is called for as long as all is well.
type Heartbeat struct {
	URL   Secret        `yaml:"url" jsonschema:"required,example=https://hc-ping.com/0a1b2c3d" jsonschema_description:"The address that gets a GET."`
	Every time.Duration `yaml:"every" jsonschema:"required,example=1m" jsonschema_description:"How often, 10s or more."`
}

// Alarms says when an alarm is on.
type Alarms struct {
	QueueOlderThan time.Duration `yaml:"queue_older_than" jsonschema:"default=15m" jsonschema_description:"The alarm queue_old is on while a customer has been due for longer than this, 1m or more."`
}

// QueueOlderThan is what Alarms.QueueOlderThan is by default.
const QueueOlderThan = 15 * time.Minute

// Retention says after how long things are deleted; 0 keeps them, and so does a
// key that is left out of what is written. Nothing goes
// that waits, is open, or tells a source's present state.
type Retention struct {
	Payloads time.Duration `yaml:"payloads" jsonschema:"example=90d" jsonschema_description:"How long the payloads of events are kept; the rows of the events stay."`
	History  time.Duration `yaml:"history" jsonschema:"example=400d" jsonschema_description:"How long settled events, decisions and resolved exceptions are kept, 35d or more."`
}

// Connection is the credentials and settings of one account in one tool.
type Connection struct {
	Name      string        `yaml:"-"`
	Type      string        `yaml:"type" jsonschema:"required" jsonschema_description:"Which tool it is."`
	BaseURL   string        `yaml:"base_url" jsonschema:"example=https://crm.example.com/api" jsonschema_description:"The address of the tool, a proxy or a test server, up to the path."`
	Timeout   time.Duration `yaml:"timeout" jsonschema:"default=10s" jsonschema_description:"How long one call may take, 100ms to 25s."`
	RateLimit *RateLimit    `yaml:"rate_limit" jsonschema_description:"The maximum number of calls in a period, across all nodes (default: no limit)."` // nil: no limit of ours
	// AlsoAllow adds to what may be called; it restricts nothing.
	AlsoAllow []netip.Prefix `yaml:"also_allow" jsonschema:"example=169.254.10.0/24" jsonschema_description:"Networks that may be called even though they are link-local, multicast or a cloud's metadata service."`
	Was       string         `yaml:"was" jsonschema:"example=billing" jsonschema_description:"The connection's previous name: it keeps its events, its position in the list of changes, and its tokens. none means that the connection is new."`
	// PublicURL is the file's public_url: where the tools reach this server.
	PublicURL string `yaml:"-"`
	// Settings holds the keys that belong to the connection's type; they stand
	// beside the common ones in the file.
	Settings Settings `yaml:"-"`
}

// RateLimit is at most Requests calls in any Per, over all nodes.
type RateLimit struct {
	Requests int           `yaml:"requests" jsonschema:"required,minimum=1" jsonschema_description:"How many calls."`
	Per      time.Duration `yaml:"per" jsonschema:"required" jsonschema_description:"The period in which they are counted."`
}

// Sync is one one-way flow of one status.
type Sync struct {
	Name          string                      `yaml:"-"`
	Source        Source                      `yaml:"source" jsonschema:"required" jsonschema_description:"The side that decides. Nothing is ever written to it."`
	Target        Target                      `yaml:"target" jsonschema:"required" jsonschema_description:"The side that follows."`
	Match         []MatchRule                 `yaml:"match" jsonschema:"required,minItems=1" jsonschema_description:"How a customer is found in the target; the first rule that finds exactly one record wins."`
	MinConfidence float64                     `yaml:"min_confidence" jsonschema:"minimum=0,maximum=1,default=0.8" jsonschema_description:"Matches below this confidence are not written; an owner decides."`
	Statuses      map[status.Status]StatusMap `yaml:"statuses" jsonschema:"required" jsonschema_description:"Trueup's words for the status, each with the values of both tools."`
	Ignore        []string                    `yaml:"ignore" jsonschema_description:"Source values that are not synced."`
	Conflict      ConflictRule                `yaml:"conflict" jsonschema_description:"What happens when someone else changed the target."`
	Mode          string                      `yaml:"mode" jsonschema:"enum=live,enum=watch,default=watch" jsonschema_description:"watch decides and records, and writes nothing; live writes."`
	FirstContact  string                      `yaml:"first_contact" jsonschema:"enum=ask,enum=source_wins,default=ask" jsonschema_description:"What happens when the target differs and Trueup never wrote it."`
	Transitions   *Transitions                `yaml:"transitions" jsonschema_description:"When a change to a status is written, by status: at once (the default), ask, or keys."`
	Owners        map[string]string           `yaml:"owners" jsonschema_description:"Who is responsible for exceptions, by kind; default for all others."`
	RemindAfter   time.Duration               `yaml:"remind_after" jsonschema:"default=24h" jsonschema_description:"How long an exception can stay open before it is overdue and its owner gets one reminder."`
	Sweep         *Sweep                      `yaml:"sweep" jsonschema_description:"The schedule of full comparisons (default: every 24h with repair, where both sides can be listed); off for none."`
	Limits        *Limits                     `yaml:"limits" jsonschema_description:"Limits that stop a catastrophe: beyond them, nothing is written until a person decides. What is left out has a default; off turns it off."`
	Was           string                      `yaml:"was" jsonschema:"example=customer-status" jsonschema_description:"The sync's previous name: it keeps its links, holds, exceptions and history. none means that the sync is new."`
}

// Source is the deciding side of a sync.
type Source struct {
	Connection string `yaml:"connection" jsonschema:"required" jsonschema_description:"The connection's name."`
	Field      string `yaml:"field" jsonschema_description:"The field that holds the status, if the connection's type does not determine it."`
	// Account is what the file says of the connection's account, without secrets.
	Account string `yaml:"-"`
	// Identity is which account that is, for as long as it lasts, and Kept a hash
	// of where it keeps the status.
	Identity Identity      `yaml:"-"`
	Kept     string        `yaml:"-"`
	Poll     time.Duration `yaml:"poll" jsonschema_description:"How often to also ask the source for changes, 10s or more (default: only at startup)."` // 0: ask for missed changes at start only
}

// Target is the following side of a sync.
type Target struct {
	Connection string   `yaml:"connection" jsonschema:"required" jsonschema_description:"The connection's name."`
	Field      string   `yaml:"field" jsonschema_description:"The field that holds the status, if the connection's type does not determine it."`
	Account    string   `yaml:"-"` // as a source's
	Identity   Identity `yaml:"-"`
	Kept       string   `yaml:"-"`
}

// MatchRule finds the target record whose Target key equals the source's
// Source key. The target key "id" is the record's own id.
type MatchRule struct {
	Source     string  `yaml:"source" jsonschema:"required" jsonschema_description:"The source's key, such as email."`
	Target     string  `yaml:"target" jsonschema:"required" jsonschema_description:"The target's key that holds the same value; id is the record's own id."`
	Confidence float64 `yaml:"confidence" jsonschema:"exclusiveMinimum=0,maximum=1,default=1" jsonschema_description:"The confidence of a match by this rule."`
	// How values are compared; "" is by the key's name, and "" the default region.
	Normalise identity.Form `yaml:"normalise" jsonschema:"enum=phone,enum=email,enum=lower,enum=none" jsonschema_description:"How the two values are compared: phone is the same number however it is written, email and lower ignore case, none compares every character. If omitted, keys named email ignore case, and others only the space around the value."`
	Region    string        `yaml:"region" jsonschema_description:"The country of a phone number that has no country code, such as US; for normalise: phone."`
	// Several says what several customers of the source with one value are.
	Several    string   `yaml:"several" jsonschema:"enum=ask,enum=fold,default=ask" jsonschema_description:"What several source customers with the same value are: ask a person, or fold them into one, whose status is the best of theirs (for source: email)."`
	Precedence []string `yaml:"precedence" jsonschema_description:"With several: fold, every value of the source, the best first. Needed where the connection has no order of its own."`
}

// What several source customers with one value of a key are.
const (
	SeveralAsk  = "ask"
	SeveralFold = "fold"
)

// StatusMap says which source values mean a status and what the target calls it.
type StatusMap struct {
	From []string `yaml:"from" jsonschema:"required,minItems=1" jsonschema_description:"The source's values that mean this status."`
	To   string   `yaml:"to" jsonschema:"required,minLength=1" jsonschema_description:"The target's value for this status."`
	// Stops is nil where the file does not say.
	Stops *bool `yaml:"stops" jsonschema_description:"Whether a customer with this status loses the service, so that limits.mass_change counts it by default (default: true for paused and churned)."`
}

// ConflictRule is what happens when the target holds what we did not write.
type ConflictRule struct {
	Rule            string        `yaml:"rule" jsonschema:"enum=skip_newer_human_edit,default=skip_newer_human_edit" jsonschema_description:"The rule for conflicts: a person's newer edit is kept and reported."`
	ClockSkew       time.Duration `yaml:"clock_skew" jsonschema:"default=2s" jsonschema_description:"How much the two tools' clocks may differ."`
	AutomationEdits string        `yaml:"automation_edits" jsonschema:"enum=write,enum=skip,default=write" jsonschema_description:"Whether a value set by an automation is overwritten."`
}

// Sweep is the schedule of full comparisons.
type Sweep struct {
	Every  time.Duration `yaml:"every" jsonschema:"required" jsonschema_description:"The time between comparisons, 1m or more."`
	Repair bool          `yaml:"repair" jsonschema:"default=true" jsonschema_description:"Whether customers whose two sides differ are synced again."`
	off    bool
}

// Limits stop a catastrophe.
type Limits struct {
	MassChange        *MassChange        `yaml:"mass_change" jsonschema_description:"How many customers may change to certain statuses within a period. Beyond it, the sync stops writing these statuses until trueup resume. Default: 50 customers or 5 percent within 1h change to a status that stops a service; off for none."`
	WritesPerCustomer *WritesPerCustomer `yaml:"writes_per_customer" jsonschema_description:"How often one customer may be written within a period. Beyond it, the customer is left alone until a person decides. Default: 6 within 10m; off for none."`
	off               bool
}

// MassChange bounds how many customers may move to one of the statuses To.
type MassChange struct {
	To        []status.Status `yaml:"to" jsonschema:"required,minItems=1" jsonschema_description:"The statuses that count."`
	Customers int             `yaml:"customers" jsonschema:"minimum=1" jsonschema_description:"How many different customers. With percent as well, whichever is fewer."`
	Percent   float64         `yaml:"percent" jsonschema:"exclusiveMinimum=0,maximum=100" jsonschema_description:"The share of all customers of the sync, rounded up. A small sync may change at least as many as one with 100 customers, up to five. Set customers, percent, or both."`
	Within    time.Duration   `yaml:"within" jsonschema:"required" jsonschema_description:"The period in which they are counted."`
	off       bool
}

// WritesPerCustomer bounds the writes to one customer.
type WritesPerCustomer struct {
	Count  int           `yaml:"count" jsonschema:"required,minimum=1,maximum=1000" jsonschema_description:"How many writes."`
	Within time.Duration `yaml:"within" jsonschema:"required" jsonschema_description:"The period in which they are counted."`
	off    bool
}

// WasNone says of a sync or a connection that it never had another name.
const WasNone = "none"

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

// The defaults stand in the schema tags above as well; a test compares them.

func (c *Config) setDefaults() {
	c.Listen = "127.0.0.1:8080"
	c.Database = "trueup.db"
	c.Alarms.setDefaults()
}

func (a *Alarms) setDefaults() { a.QueueOlderThan = QueueOlderThan }

func (c *Connection) setDefaults() { c.Timeout = 10 * time.Second }

func (s *Sync) setDefaults() {
	s.MinConfidence = 0.8
	s.Mode = ModeWatch
	s.FirstContact = Ask
	s.RemindAfter = 24 * time.Hour
	s.Conflict.setDefaults()
}

// MatchRules returns the match rules as they are carried out.
func (s Sync) MatchRules() []identity.Rule {
	rules := make([]identity.Rule, len(s.Match))
	for i, r := range s.Match {
		rules[i] = identity.Rule{Source: r.Source, Target: r.Target, Confidence: r.Confidence, Form: r.Normalise, Region: r.Region}
	}
	return rules
}

// Watches reports whether the sync decides and records, and writes nothing.
func (s Sync) Watches() bool { return s.Mode == ModeWatch }

func (s *Sweep) setDefaults() { s.Repair = true }

func (r *MatchRule) setDefaults() { r.Confidence, r.Several = 1, SeveralAsk }

func (c *ConflictRule) setDefaults() {
	c.Rule = SkipNewerHumanEdit
	c.ClockSkew = 2 * time.Second
	c.AutomationEdits = AutomationWrite
}

// Owner returns who is responsible for exceptions of the kind, "" when nobody
// is named.
func (s Sync) Owner(kind status.Kind) string {
	if o, ok := s.Owners[string(kind)]; ok {
		return o
	}
	return s.Owners["default"]
}
