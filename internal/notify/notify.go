// Package notify tells people what needs them: it takes what is to be told from
// the store, puts into words how that stands now, and has it sent. It also
// watches for what only shows in time: what is overdue, a sync that receives no
// webhooks, the alarms, the hour of the digest.
//
// Main types: Notifier (who sends; declared here, kept by a connector), Message
// (what is sent, in plain text), Worker (tells), Watch (watches), Buttons (does what a button of
// a message says). Main function: Mask.
//
// Invariants:
//
//  1. Nothing waits for a message: what is to be told stands in the database,
//     written with what it tells of, until it is told.
//  2. A message says how things stand when it is sent, not how they stood when
//     it was ordered. So it is told once however often that changed meanwhile.
//  3. One node tells one notice at a time. When it ends between sending and
//     storing where, the next one posts again; a message whose place is known is
//     updated instead, which may be done twice.
//  4. No message holds an e-mail address of a customer, a payload or a secret.
//
// It must not import the pipeline or a vendor's package.
package notify

import (
	"context"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Notifier sends messages. Errors are a *connector.Failure: RateLimited holds
// for the channel, Misconfigured too (there is no such channel), Unauthorized
// for all, Refused for this message alone. After a Transient one the message
// may have arrived.
type Notifier interface {
	// Post sends a message to a channel and returns where it is, "" when nobody
	// can tell.
	Post(ctx context.Context, channel string, m Message) (place string, err error)
}

// Updater is a Notifier that can replace what it posted. Gone means that the
// message is not there any more.
type Updater interface {
	Update(ctx context.Context, place string, m Message) error
}

// Store keeps what is to be told; it is *store.DB.
type Store interface {
	exceptions.Store
	Now(ctx context.Context) (time.Time, error)
	Silence(ctx context.Context, sync string) (store.Silence, error)
	SeenAlarm(ctx context.Context, sync string, alarm status.Alarm) (store.Alarm, error)
	NextNotice(ctx context.Context, to store.Recipient) (time.Time, error)
	ClaimNotices(ctx context.Context, to store.Recipient, limit int, lease time.Duration) ([]store.Notice, error)
	NoticeTold(ctx context.Context, n store.Notice, told store.Telling) error
	NoticeFailed(ctx context.Context, n store.Notice, pause time.Duration, failure string) error
	GiveUpNotice(ctx context.Context, n store.Notice, failure string) error
	PutBackNotice(ctx context.Context, n store.Notice, pause time.Duration) error
	HurryNotice(ctx context.Context, sync string, kind status.Kind, cause string) error
	FoldNotices(ctx context.Context, channel string, folded []store.Notice, window time.Duration) error
	FoldedSince(ctx context.Context, channel string, since time.Time) ([]store.Folded, error)
	PostedSince(ctx context.Context, channel string, since time.Time) (int, error)
	GroupState(ctx context.Context, sync string, kind status.Kind, cause string, some int) (store.GroupState, error)
	Actions(ctx context.Context, exception int64) ([]store.Action, error)
	PersonNames(ctx context.Context, emails []string) (map[string]string, error)
	Groups(ctx context.Context, sync string) ([]store.Group, error)
	Overdue(ctx context.Context, sync string, after time.Duration) (map[status.Kind]int, error)
	Nodes(ctx context.Context) ([]store.Node, error)
	RestChannel(ctx context.Context, channel string, until time.Time) error
	ChannelRestsUntil(ctx context.Context, channel string) (time.Time, error)
	ReserveChannel(ctx context.Context, channel string, gap time.Duration) (now, first time.Time, err error)
}

// Message is what people are told, in plain text: whoever sends it escapes and
// cuts it as the tool wants.
type Message struct {
	// ID stays the same while a message is sent again, and About says to programs
	// what it is about. They are no part of what it says.
	ID    string `json:"-"`
	About About  `json:"-"`
	Icon  Icon
	Title string
	// Owner is mentioned, so that the message reaches somebody.
	Owner   Person
	Text    string
	Facts   []Fact
	List    []string
	Notes   []string // small, at the end
	Links   []Link
	Buttons []Button
}

// About is what a message is about.
type About struct {
	Event config.Event
	At    time.Time // when that was
	Sync  string
	Alarm status.Alarm
	Kind  status.Kind
	Since time.Time // of an alarm
}

// Icon says at a glance how things stand.
type Icon string

// The icons.
const (
	Alarm Icon = "alarm" // somebody is needed
	Seen  Icon = "seen"  // somebody looks at it
	Done  Icon = "done"
	Muted Icon = "muted" // it is ignored
	Clock Icon = "clock" // it has waited for long
	News  Icon = "news"
)

// Fact is a name with a value.
type Fact struct{ Name, Value string }

// Link leads to a page.
type Link struct{ Text, URL string }

// Verb is what a Button does.
type Verb = store.Verb

// Button does something about an exception.
type Button struct {
	Verb  Verb
	Label string
	// Value is what Buttons.Press wants to get back.
	Value string
	// Confirm is asked first, "" asks nothing.
	Confirm string
}

// Person is an owner as messages show him.
type Person struct {
	Name string
	// ID is the person's id in the tool that sends, "" when it is not known.
	ID string
}

// Options is what notices are made of.
type Options struct {
	Store    Store
	Notifier Notifier
	// Recipient is whom the Notifier reaches; "" is Slack.
	Recipient store.Recipient
	// EveryAlarm has each alarm told as such, also where there is a message about
	// what is behind it.
	EveryAlarm bool
	// Wants reports whether an event is told; nil is all.
	Wants func(config.Event) bool
	// GiveUp is how long a message is tried before it is given up, 0 is for ever.
	GiveUp time.Duration
	Syncs  map[string]config.Sync
	People map[string]config.Person
	// Channel says where a kind of exception of a sync is told; ("", "") is for
	// all that belongs to no sync.
	Channel func(sync string, kind status.Kind) string
	// Alarms returns the alarms that are on.
	Alarms func(ctx context.Context) ([]contract.Alarm, error)
	// Buttons says that somebody hears when a button is pressed.
	Buttons bool
	Pace    Pace
	// Home is where this service is reached, "" when nobody can.
	Home string
}
