package httpconn

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/strictjson"
)

// changes finds what changed by going through the list of all records, a page
// an answer.
type changes struct{ *api }

// Since implements connector.Changes. The cursor is a connector.Position.
func (c changes) Since(ctx context.Context, cursor string) ([]connector.Reading, string, bool, error) {
	position, err := connector.PositionAt(cursor, c.now().UTC())
	if err != nil {
		return nil, "", false, misconfigured(err)
	}
	position.Of(c.list.name)
	position.Overlap = c.list.overlap
	p, err := c.page(connector.Background(ctx), position.Walk().Cursor, c.list.since(position.After()))
	if err != nil {
		return nil, "", false, err
	}
	connector.Count(ctx, len(p.records))
	found, err := c.news(position, p)
	if err != nil {
		return nil, "", false, err
	}
	if p.next != "" {
		if err := position.Turned(p.next, p.digest); err != nil {
			return nil, "", false, err
		}
		return found, position.String(), true, nil
	}
	if w := position.Walk(); w.Read && !w.Dated {
		return nil, "", false, misconfigured(misfit{c.record.updatedAt.path,
			"no record of the list has a time, so no change could ever be seen; name another field, such as the time it was created"})
	}
	return found, position.Next(), false, nil
}

// Place implements connector.Placed.
func (c changes) Place(cursor string) time.Time {
	position, err := connector.PositionAt(cursor, c.now().UTC())
	if err != nil || position.First() {
		return time.Time{}
	}
	return position.Walk().From
}

// aFew is how many records of a page can be dirty, with none beside them that
// can be read, before the configuration is at fault.
const aFew = 10

// news is what a page has of changes since the position, oldest first.
func (c changes) news(position *connector.Position, p onePage) ([]connector.Reading, error) {
	var found []connector.Reading
	var firstBad error
	seen := map[string]bool{} // while we turn the pages a record may move on to the next
	for i, record := range p.records {
		read, err := c.listedRecord(p.vars, record, i)
		if err == nil && !position.Meets(read.at) {
			continue // most of a list: nothing more is made of it
		}
		r := change(record, read, err)
		if r.Err != nil && firstBad == nil {
			firstBad = r.Err
		}
		if !seen[r.Event.ID] {
			seen[r.Event.ID] = true
			found = append(found, r)
		}
	}
	if firstBad != nil && !position.Walk().Read && (p.next == "" || len(p.records) >= aFew) {
		return nil, misconfigured(firstBad)
	}
	if position.First() {
		return nil, nil // what cannot be read is not new either
	}
	slices.SortStableFunc(found, func(a, b connector.Reading) int {
		return cmp.Or(a.Event.OccurredAt.Compare(b.Event.OccurredAt), cmp.Compare(a.Event.ID, b.Event.ID))
	})
	return found, nil
}

// change makes an event of one record of the list. Its id names the state the
// record is in, so that a poll that sees the same state again repeats the id.
// A record without updated_at counts as not changed: there is nothing to tell
// one state of it from the next.
func change(record any, r reading, err error) (out connector.Reading) {
	if out.Event.Payload, out.Err = strictjson.Encode(record); out.Err == nil {
		out.Err = err
	}
	if out.Err != nil {
		out.Event.ID = "list:unreadable:" + digest(out.Event.Payload)
		return out
	}
	out.Event = status.Event{Customer: r.id, Value: r.value, HasValue: r.hasValue, OccurredAt: r.at, Payload: out.Event.Payload,
		ID: "list:" + r.id + ":" + strconv.FormatInt(r.at.UnixMilli(), 10) + ":" + digest([]byte(r.value))}
	if r.owner != "" { // its status is no status of the customer
		out.Event.Customer, out.Event.Value, out.Event.HasValue = r.owner, "", false
	}
	return out
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}
