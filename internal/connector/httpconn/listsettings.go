package httpconn

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// List pages through all records; exactly one of Get, Post.
type List struct {
	Get     string `yaml:"get" jsonschema_description:"The path of the list, with {cursor} where the tool takes the place of the next page, and {since} where it takes a time."`
	Post    string `yaml:"post" jsonschema_description:"The path of a list that is asked for with a body, instead of get."`
	Body    any    `yaml:"body" jsonschema_description:"The JSON body of post, with {cursor} and {since} in its strings. An entry that is only {cursor} is left out for the first page."`
	Records string `yaml:"records" jsonschema:"default=body" jsonschema_description:"Where the answer has the records (CEL)."`
	// Next is the cursor of the next page, empty or absent on the last.
	Next string `yaml:"next" jsonschema_description:"The cursor of the next page, empty or absent on the last (CEL over cursor, headers and body)."`
	// First is the cursor of the first page, where it needs one.
	First string `yaml:"first" jsonschema_description:"The cursor of the first page, such as \"1\" for page numbers or \"0\" for offsets (default: none)."`
	// NextURL is the address of the next page, for tools that give a whole one.
	NextURL string `yaml:"next_url" jsonschema_description:"The address of the next page instead of next, absolute or relative, of the same origin as base_url; also a Link header as it is (CEL over headers and body)."`
	// SinceFormat is how {since} is written.
	SinceFormat string `yaml:"since_format" jsonschema:"default=rfc3339,enum=rfc3339,enum=unix,enum=unix_ms" jsonschema_description:"How {since} is written."`
	// Overlap is how far before the newest change that was seen a poll looks again.
	Overlap time.Duration `yaml:"overlap" jsonschema:"default=10m" jsonschema_description:"How far before the newest change that was seen a poll looks again, for changes that the list shows late."`
}

// The formats of since_format.
const (
	formatRFC3339 = "rfc3339"
	formatUnix    = "unix"
	formatUnixMS  = "unix_ms"
)

const (
	// maxOverlap bounds overlap: each poll brings all of it again.
	maxOverlap = 30 * 24 * time.Hour
	// maxCursor bounds what a tool gives as the place of its next page.
	maxCursor = 8192
)

// path is what the file says the list is asked for by.
func (l *List) path() string { return l.Get + l.Post }

// listing is a List that has been found sound.
type listing struct {
	call                   asking
	first                  string
	records, next, nextURL *expression
	format                 string
	overlap                time.Duration
	// name changes with whatever gives a cursor its meaning.
	name string
}

func (c *compiler) listCall() {
	l := c.s.List
	if l == nil {
		return
	}
	out := &listing{first: l.First, format: l.SinceFormat, overlap: l.Overlap, name: l.name(),
		records: c.expr("list.records", orBody(l.Records), varHeaders, varBody),
		next:    c.expr("list.next", l.Next, varHeaders, varCursor, varBody),
		nextURL: c.expr("list.next_url", l.NextURL, varHeaders, varBody)}
	one := c.reading("list", l.Get, l.Post, l.Body, "/customers?after={cursor}", phCursor, phSince)
	if one != nil {
		out.call, c.out.list = *one, out
		c.paging(l, one)
	}
	since := one != nil && one.has(phSince)
	switch l.SinceFormat {
	case "":
		out.format = formatRFC3339
	case formatRFC3339, formatUnix, formatUnixMS:
		if one != nil && !since {
			c.fault("list.since_format", "is given, and nothing holds {since}", "write {since} where the tool takes the time from which it lists changes, or remove it")
		}
	default:
		c.fault("list.since_format", "is not known", "write rfc3339, unix (seconds) or unix_ms (milliseconds)")
	}
	if since && c.s.Record.UpdatedAt == "" {
		c.fault("list", "has {since}, and there is no record.updated_at", "write where a record has the time of its last change, such as record.updated_at: the next poll asks from the newest of them")
	}
	switch {
	case l.Overlap == 0:
		out.overlap = connector.Overlap
	case l.Overlap < 0 || l.Overlap > maxOverlap:
		c.fault("list.overlap", "is not between 1s and 30d", "write how late a change can appear in the list, such as 10m")
	case c.s.Record.UpdatedAt == "":
		c.fault("list.overlap", "is given, and there is no record.updated_at, so the list is not polled", "add record.updated_at, or remove it")
	}
}

// paging checks how the list says which page comes next.
func (c *compiler) paging(l *List, one *asking) {
	holds := one.has(phCursor)
	switch {
	case l.Next != "" && l.NextURL != "":
		c.fault("list.next_url", "is given, and next as well", "keep next for a cursor, or next_url for the address of the next page")
	case l.NextURL != "" && holds:
		c.fault("list.next_url", "is given, and {cursor} as well", "remove {cursor}: the next page has an address of its own")
	case l.NextURL != "" && l.Post != "":
		c.fault("list.next_url", "is given, and post as well", "write next and {cursor} in the body, or get")
	case l.NextURL == "" && holds != (l.Next != ""):
		c.fault("list", "has only one of next and {cursor}",
			"write {cursor} in the path or the body and, as next, where the answer has the cursor of the next page; or neither for a single page")
	case l.First != "" && !holds:
		c.fault("list.first", "is given, and nothing holds {cursor}", "write {cursor} where the tool takes it, or remove first")
	case len(l.First) > maxText:
		c.fault("list.first", "is longer than "+strconv.Itoa(maxText)+" bytes", "write the cursor of the first page, such as \"1\"")
	}
}

// name is a digest of what gives a cursor its meaning: one that was stored for
// another list means nothing in this one.
func (l *List) name() string {
	text, err := json.Marshal([]any{l.Get, l.Post, l.Body, l.Next, l.NextURL, l.First, l.SinceFormat})
	if err != nil {
		text = nil // a body that is at fault
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// begins is the time that says everything.
var begins = time.Unix(0, 0).UTC()

// since is a time as {since} writes it; zero is the beginning.
func (l *listing) since(at time.Time) string {
	if at.IsZero() {
		at = begins
	}
	switch l.format {
	case formatUnix:
		return strconv.FormatInt(at.Unix(), 10)
	case formatUnixMS:
		return strconv.FormatInt(at.UnixMilli(), 10)
	}
	return at.UTC().Truncate(time.Second).Format(time.RFC3339)
}

// saysEverything reports whether a since is the beginning.
func saysEverything(since string) bool {
	return since == "0" || since == begins.Format(time.RFC3339)
}
