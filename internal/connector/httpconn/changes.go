package httpconn

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"trueup/internal/connector"
	"trueup/internal/status"
	"trueup/internal/strictjson"
)

// maxPages bounds one run through the list: 200 records a page make two
// million.
const maxPages = 10_000

// changes finds what changed by going through the list of all records.
type changes struct{ *api }

// Since implements connector.Changes. The cursor is a connector.Position.
func (c changes) Since(ctx context.Context, cursor string) ([]connector.Reading, string, bool, error) {
	position, err := connector.PositionAt(cursor, c.now().UTC())
	if err != nil {
		return nil, "", false, misconfigured(err)
	}
	var found []connector.Reading
	seen := map[string]bool{}
	var firstBad error
	good, dated := 0, 0
	err = c.pages(ctx, func(vars map[string]any, record any) error {
		r := c.change(vars, record)
		if r.Err == nil {
			good++
			if !r.Event.OccurredAt.IsZero() {
				dated++
			}
			if !position.Meets(r.Event.OccurredAt) {
				return nil
			}
		} else if firstBad == nil {
			firstBad = r.Err
		}
		// While we turn the pages a record may move from one to the next.
		if !seen[r.Event.ID] {
			seen[r.Event.ID] = true
			found = append(found, r)
		}
		return nil
	})
	if err != nil {
		return nil, "", false, err
	}
	if firstBad != nil && good == 0 {
		return nil, "", false, misconfigured(firstBad)
	}
	if good > 0 && dated == 0 {
		return nil, "", false, misconfigured(misfit{c.record.updatedAt.path,
			"no record of the list has a time, so no change could ever be seen; name another field, such as the time it was created"})
	}
	if position.First() {
		found = nil // what cannot be read is not new either
	}
	slices.SortStableFunc(found, func(a, b connector.Reading) int {
		return cmp.Or(a.Event.OccurredAt.Compare(b.Event.OccurredAt), cmp.Compare(a.Event.ID, b.Event.ID))
	})
	return found, position.Next(), false, nil
}

// pages goes through the list and gives every record to each.
func (a *api) pages(ctx context.Context, each func(vars map[string]any, record any) error) error {
	cursor := ""
	seen := map[string]bool{}
	for range maxPages {
		next, err := a.page(ctx, cursor, each)
		if err != nil || next == "" {
			return err
		}
		if seen[next] {
			return misconfigured(misfit{a.listNext.path, "the list gave the same cursor twice and would never end"})
		}
		seen[next] = true
		cursor = next
	}
	return misconfigured(fmt.Errorf("list: it did not end after %d pages", maxPages))
}

// page reads one page and returns the cursor of the next, "" on the last.
func (a *api) page(ctx context.Context, cursor string, each func(vars map[string]any, record any) error) (string, error) {
	vars, err := a.get(ctx, a.list, map[string]string{phCursor: cursor}, nil)
	if err != nil {
		if f := connector.FailureOf(err); f.Kind == connector.Gone {
			// A list is no record that could be gone.
			return "", &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Status: f.Status,
				Detail: "the tool has nothing at GET " + a.rest.Shown(a.list.text) + " (list.get)", Err: err}
		}
		return "", err
	}
	records, err := a.listRecords.list(vars)
	if err != nil {
		return "", misconfigured(err)
	}
	for _, r := range records {
		if err := each(vars, r); err != nil {
			return "", err
		}
	}
	next, _, err := a.listNext.text(vars)
	if err != nil {
		return "", misconfigured(err)
	}
	return next, nil
}

// change makes an event of one record of the list. Its id names the state the
// record is in, so that a poll that sees the same state again repeats the id.
// A record without updated_at counts as not changed: there is nothing to tell
// one state of it from the next.
func (a *api) change(vars map[string]any, record any) (out connector.Reading) {
	out.Event.Payload, out.Err = strictjson.Encode(record)
	if out.Err == nil {
		var r reading
		if r, out.Err = a.record.read(a.withRecord(vars, record)); out.Err == nil {
			out.Event = status.Event{Customer: r.id, Value: r.value, HasValue: r.hasValue, OccurredAt: r.at, Payload: out.Event.Payload,
				ID: "list:" + r.id + ":" + strconv.FormatInt(r.at.UnixMilli(), 10) + ":" + digest([]byte(r.value))}
			return out
		}
	}
	out.Event.ID = "list:unreadable:" + digest(out.Event.Payload)
	return out
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}
