// Package connector is the contract between Trueup and the tools it connects.
//
// Main types: Connection (what one account of one tool can do, as a set of
// optional abilities), the abilities themselves (Receiver, Source, EventSource,
// Target, Changes) and Failure (how a call to a tool ended badly, in terms a
// caller can act on).
//
// Invariants: a connector never retries by itself, the path does; it never
// writes to a source; a Failure's Detail holds neither secrets nor personal
// data, so it may be logged and shown; every method is safe for concurrent use
// and returns when its context ends.
//
// It must not import the store, the pipeline or any single vendor's package.
package connector

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// Connection is one opened connection. A nil ability means the tool, or this
// configuration of it, does not have it.
type Connection struct {
	Name string
	Type string
	// Knows declares what the tool can tell, and so which promise is weaker.
	Knows Knowledge
	// Values is the tool's closed vocabulary of status words, nil when open.
	Values []string

	// Precedence are the source's status words from the best to the worst, where the
	// tool or its description says so; nil where nothing does.
	Precedence []string

	Receiver    Receiver
	Source      Source
	SourceFind  SourceFind
	EventSource EventSource
	Target      Target
	Changes     Changes
	Probe       Probe
	Webhooks    Webhooks
	// SourceList and TargetList go through all records, for a sweep.
	SourceList SourceList
	TargetList TargetList
	// Options lists what the target's field may hold now.
	Options Options
	// Fields lists where the tool can keep a status, where a sync has to say so.
	Fields Fields
	// Close ends what the connection keeps open beside Deps.HTTP; nil is nothing.
	Close func()
}

// Closed ends what the connection keeps open.
func (c Connection) Closed() {
	if c.Close != nil {
		c.Close()
	}
}

// Knowledge is what a tool can tell about a record and its history.
type Knowledge struct {
	Order            bool `json:"order"`             // events or records carry the time of the change
	Actor            bool `json:"actor"`             // the last editor of a record is known
	FieldTime        bool `json:"field_time"`        // the status field has its own time of change
	ConditionalWrite bool `json:"conditional_write"` // a write can be refused when the record moved
	OptionList       bool `json:"option_list"`       // the field's legal values can be listed
	DeleteNotice     bool `json:"delete_notice"`     // a deletion is announced
	Unverified       bool `json:"unverified"`        // a write cannot be seen afterwards: the tool's word for it has to do
}

// Receiver turns one webhook request into events.
type Receiver interface {
	// Verify reports whether the raw body came from the tool. Any error means
	// "answer 401 and store nothing"; its text names the fault without quoting
	// a secret or the signature.
	Verify(header http.Header, body []byte, now time.Time) error
	// Signed is false when Verify accepts anyone (verify: {none: true}).
	Signed() bool
	// Events reads a verified body. The error means that nothing in it could
	// be read; one bad event among good ones is a Reading with Err set.
	Events(header http.Header, body []byte) ([]Reading, error)
}

// Rereader is an optional ability of a Receiver whose bodies may hold several
// events: of a body in which one event could not be read, that one alone is kept.
type Rereader interface {
	// Reread reads what was kept because it could not be read: a whole verified
	// body, or one event out of it. Of the headers only Webhook-Id is left.
	Reread(header http.Header, kept []byte) ([]Reading, error)
}

// Greeter is an optional ability of a Receiver, for a tool that makes sure that an
// address is ours before it sends anything there.
type Greeter interface {
	// Hello returns the answer to a request that cannot be an event: a GET, or a
	// POST without a body. Nothing of it is verified.
	Hello(method string, header http.Header, query url.Values) (Greeting, bool)
	// Challenge returns the answer to a verified body that is no event.
	Challenge(header http.Header, body []byte) (Greeting, bool)
}

// Greeting is the answer to a hand-shake.
type Greeting struct {
	// Text is sent as text/plain, or as JSON when that is set.
	Text string
	JSON bool
	// Header is sent with it, "" is none.
	Header, Value string
	// Keep is what a person has to see of it, nil is nothing. It is stored as an
	// ignored event, whose payload only an admin is shown.
	Keep *Reading
}

// Pinger is an optional ability of a Receiver whose webhooks hold no event: they
// say that the list of changes has something new.
type Pinger interface{ Pings() bool }

// Shared is an optional ability of a Receiver, for a tool that sends the events
// of several accounts to one address: a delivery that is another connection's
// is handed to that one's Receiver, which verifies it.
type Shared interface {
	// Account names the account of this connection, "" for none.
	Account() string
	// Recipient names the account that a body says it is for, "" when it does
	// not say. Nothing of it is verified yet.
	Recipient(body []byte) string
}

// PathSecret is the header under which a Receiver finds the last part of an
// address /hooks/{connection}/{secret}, for tools that can send no headers. One
// of that name in the request itself is taken out.
const PathSecret = "Trueup-Path-Secret" // #nosec G101 -- a header's name

// RequestMethod and RequestURL are the headers under which a Receiver finds the
// method of the request and the address that the tool called, which starts with
// public_url and not with what the request says about itself. Those of a request
// are overwritten.
const (
	RequestMethod = "Trueup-Request-Method"
	RequestURL    = "Trueup-Request-Url"
)

// Reading is one event of a body, or the reason why it cannot be read.
type Reading struct {
	Event status.Event
	// Skip, when set, says why the event is none of ours (a type that cannot
	// change a status); it is stored with outcome ignored and this reason.
	Skip string
	// Mute is set with Skip when the event tells no status and nobody can be asked.
	Mute bool
	// Err is set when this event of an otherwise readable body cannot be
	// read; Event.Payload still holds its JSON.
	Err error
	// Listed is the date that a list of changes gives to this one, where the
	// event leaves it out because the status need not have changed then.
	Listed time.Time
}

// Source reads a customer from the tool that decides.
type Source interface {
	// Read returns the record as the tool holds it now. A record that does not
	// exist is a Failure of kind Gone, and so is one that was merged into
	// another, whose id is then Failure.Survivor where the tool tells.
	Read(ctx context.Context, customer string) (status.SourceRecord, error)
}

// SourceFind looks for customers in the tool that decides.
type SourceFind interface {
	// Find returns the ids of all customers whose key has the value, each of which
	// is read before anything is decided. It may return others besides.
	Find(ctx context.Context, key, value string) (customers []string, err error)
}

// EventSource reads the record out of a stored event, for tools that cannot be
// asked for the current state. Its record is as old as the event.
type EventSource interface {
	Record(payload []byte) (status.SourceRecord, error)
}

// Target finds, reads and writes records in the tool that follows.
type Target interface {
	// Find returns every record whose key has the value. It may return records
	// that do not (a search can be fuzzy): the caller compares Keys again.
	Find(ctx context.Context, key, value string) ([]status.TargetRecord, error)
	// Read returns the record as it is now, strongly consistent with earlier
	// writes as far as the tool allows. Missing, deleted or merged into another
	// is kind Gone, as for Source.
	Read(ctx context.Context, id string) (status.TargetRecord, error)
	// Write sets the status value of the record that was read. Where the tool
	// has conditional writes it names record.Revision, and a record that has
	// moved since is kind Moved. Without an error the tool has said that it was
	// done, which is not proof that it was: shown is the record as the answer to
	// the write has it, with ID and Value at least, and nil where the answer does
	// not have it; the caller then reads. What the answer shows is returned as it
	// is, also when it is not the value. A Failure with Effect == EffectUnknown
	// is no proof of anything.
	Write(ctx context.Context, record status.TargetRecord, value string) (shown *status.TargetRecord, err error)
}

// Stepwise is an optional ability of a Target whose write is several calls.
type Stepwise interface {
	// Between returns what a record can be seen to hold while a write of value
	// over prior is under way, or was left so.
	Between(prior, value string) []string
}

// Changes lists what changed, for tools that keep a list: it is how events
// lost while Trueup was down are found again.
type Changes interface {
	// Since returns events after the cursor, oldest first, and the cursor to
	// ask with next time. An empty cursor means "from now on" and returns no
	// events: the next one is the newest time that the list has, or the tool's
	// clock, and never ours, which may be hours ahead. more is true when another call would return further events now.
	Since(ctx context.Context, cursor string) (events []Reading, next string, more bool, err error)
}

// Placed is an optional ability of Changes whose cursor holds a time.
type Placed interface {
	// Place is from when on a cursor asks for changes, zero when it has no time.
	Place(cursor string) time.Time
}

// SourceList lists every record of a source. Records that change meanwhile may
// come twice or, where the tool pages by position, be missed until the next
// sweep.
type SourceList interface {
	// List returns one page and the cursor of the next, "" after the last. An
	// empty cursor begins anew; a cursor stays good for as long as the tool
	// keeps its place, across restarts.
	List(ctx context.Context, cursor string) (records []status.SourceRecord, next string, err error)
}

// TargetList lists every record of a target, as SourceList does.
type TargetList interface {
	List(ctx context.Context, cursor string) (records []status.TargetRecord, next string, err error)
}

// Options lists the legal values of the field that holds the status. People
// rename and remove them while the service runs.
type Options interface {
	Options(ctx context.Context) ([]string, error)
}

// Fields lists the fields of a tool that can hold a status.
type Fields interface {
	Fields(ctx context.Context) ([]Field, error)
}

// Field is a place where a tool can keep a status.
type Field struct {
	// Name is what a sync's field says, Label what the tool's own pages call it.
	Name, Label string
	// Options are the values that it can hold, nil where it can hold any.
	Options []string
}

// Probe checks a live account: credentials, reachability, permissions.
type Probe interface {
	// Probe returns one sentence per thing that was checked, or a Failure.
	Probe(ctx context.Context) ([]string, error)
}

// Webhooks tells where the tool sends its webhooks, for tools that let us ask.
type Webhooks interface {
	// Endpoints returns every address that the tool sends webhooks to, also those
	// of others. Its Failure of kind Unauthorized says which permission is missing.
	Endpoints(ctx context.Context) ([]Endpoint, error)
	// EventTypes are the types of event that the connection needs.
	EventTypes() []string
}

// Endpoint is one address that a tool sends webhooks to.
type Endpoint struct {
	URL      string
	Disabled bool
	// Types are the types of event that it is sent; nil is all of them.
	Types []string
}

// Deps is what a connector is given to work with.
type Deps struct {
	// HTTP is the client for all outgoing calls; nil means a default one, which
	// is guarded as well (package dialguard).
	HTTP *http.Client
	// Gate is the connection's rate limit, shared by all nodes; nil is none.
	Gate Gate
	// Tokens keeps the connection's OAuth tokens for all nodes; nil when there
	// is no database to keep them in.
	Tokens Tokens
	// Use is the side of a sync that the connection is opened for. It is zero
	// for a connection that is opened for itself, to receive.
	Use Use
	// Uses are all sides of syncs that the connection is on, and FindBy the
	// keys by which they look for its records: for a consent, which is given
	// once for all of them.
	Uses   []Use
	FindBy []string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// Use is what one side of a sync wants of a connection.
type Use struct {
	// Field names where the tool keeps the status, "" is the type's default.
	Field string
	// Values are the tool's words that the sync knows: all that may be written
	// to a target, all that are mapped or ignored of a source.
	Values []string
	// Target says that this is the side that follows.
	Target bool
}

// Token is what an OAuth server gave for an account.
type Token struct {
	Access  string
	Refresh string
	Expires time.Time // of Access
	// Origin names the credentials of the file that it was got with, where the
	// file has some; others make it of no use.
	Origin string
	// Issued is when it was got, zero where nobody asks.
	Issued time.Time
	// Scope is what it was granted, "" where nobody knows.
	Scope string
}

// Tokens keeps one connection's token where all nodes find it, sealed.
type Tokens interface {
	// Token returns the stored token. ErrNotConnected says that nobody has
	// given consent yet.
	Token(ctx context.Context) (Token, error)
	// Renew exchanges a token that has expired. One caller at a time does, over
	// all nodes; whoever comes meanwhile waits and gets the new one, without an
	// exchange, when the stored one is not stale any more. What exchange
	// returns is stored before Renew returns it: a refresh token that works
	// once and is lost takes the account's consent with it.
	Renew(ctx context.Context, stale Token, exchange func(context.Context, Token) (Token, error)) (Token, error)
}

// FirstTokens is an optional ability of Tokens, for a connection whose file has
// all that the first token needs.
type FirstTokens interface {
	// Begin makes a place for the first token, so that Renew can fill it; where
	// there is a token already it does nothing.
	Begin(ctx context.Context) error
}

// Gate holds calls back while a connection is at its limit.
type Gate interface {
	// Wait returns when one call may be made, or a Failure of kind RateLimited
	// when that moment lies beyond the context's deadline.
	Wait(ctx context.Context) error
}

// Budgeted is a Gate that is told how many calls the tool still allows in its
// day, where the tool says so with each answer.
type Budgeted interface {
	Remaining(left, limit int)
}

// Background marks the calls of lists and sweeps: near the end of a tool's day
// they stand back for those that carry an event.
func Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, background{}, true)
}

// InBackground reports whether Background marked the context.
func InBackground(ctx context.Context) bool { return ctx.Value(background{}) != nil }

type background struct{}

// Outliving returns the context of a call that must not be cut off once it is sent, because
// its answer cannot be had again: it ends after atMost, and not with ctx. Its turn is still
// waited for with ctx: see Waiting.
func Outliving(ctx context.Context, atMost time.Duration) (context.Context, context.CancelFunc) {
	outlives, cancel := context.WithTimeout(context.WithoutCancel(ctx), atMost)
	return context.WithValue(outlives, asker{}, ctx), cancel
}

// Waiting is the context with which a call waits for its turn.
func Waiting(ctx context.Context) context.Context {
	if of, ok := ctx.Value(asker{}).(context.Context); ok {
		return of
	}
	return ctx
}

type asker struct{}
