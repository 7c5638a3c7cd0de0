package httpconn

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/connectortest"
	"github.com/trueup-sync/trueup/internal/status"
)

// billing is a tool with several subscriptions a customer: it lists those of one,
// three a page, or all, two a page.
type billing struct {
	t        *testing.T
	mu       sync.Mutex
	rows     []map[string]any
	requests []string
}

func (b *billing) row(id, customer, word string, at time.Time) {
	b.rows = append(b.rows, map[string]any{"id": id, "customer_id": customer, "status": word, "email": customer + "@example.com",
		"status_at": at.Unix(), "updated_at": at.Add(time.Minute).Unix()})
}

func (b *billing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests = append(b.requests, r.URL.RequestURI())
	q, rows, size := r.URL.Query(), b.rows, 2
	if of := q.Get("customer"); of != "" {
		size = 3
		rows = slices.DeleteFunc(slices.Clone(rows), func(row map[string]any) bool { return row["customer_id"] != of })
	}
	from, _ := strconv.Atoi(q.Get("offset"))
	rows = rows[min(from, len(rows)):]
	next := ""
	if len(rows) > size {
		rows, next = rows[:size], strconv.Itoa(from+size)
	}
	page := []any{}
	for _, row := range rows {
		page = append(page, map[string]any{"subscription": row})
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Date", now.Format(http.TimeFormat))
	_ = json.NewEncoder(w).Encode(map[string]any{"list": page, "next_offset": next})
}

// manyRows is a connection whose customers are several rows each.
func manyRows() *Settings {
	return &Settings{
		Auth:    &Auth{Bearer: token},
		Webhook: &Webhook{Verify: Verify{None: true}, ID: "event.id", Customer: "event.content.subscription.customer_id", OccurredAt: "event.at"},
		Record: Record{ID: "record.id", Status: "record.status", UpdatedAt: "record.updated_at", StatusAt: "record.status_at",
			Deleted: "record.?deleted.orValue(false)", Keys: map[string]string{"email": "record.email"}},
		Read: &Read{Get: "/subscriptions?customer={id}&offset={cursor}", Records: "body.list.map(i, i.subscription)", Next: "body.next_offset"},
		List: &List{Get: "/subscriptions?offset={cursor}", Records: "body.list.map(i, i.subscription)", Next: "body.next_offset"},
		Fold: &Fold{By: "record.customer_id", Precedence: []string{"active", "trialing", "past_due", "canceled"}},
	}
}

func TestTheBestStatusOfACustomersRowsDecides(t *testing.T) {
	at := func(hours int) time.Time { return now.Add(time.Duration(hours-100) * time.Hour).UTC() }
	type row struct {
		word  string
		hours int
	}
	cases := []struct {
		name string
		rows []row
		want status.SourceRecord
	}{
		{"no rows are no status", nil, status.SourceRecord{NoStatus: true}},
		{"one row is the customer", []row{{"past_due", 5}}, status.SourceRecord{Value: "past_due", ValueAt: at(5), UpdatedAt: at(5)}},
		{"the old one canceled and the new one active", []row{{"canceled", 1}, {"active", 5}}, status.SourceRecord{Value: "active", ValueAt: at(5), UpdatedAt: at(5)}},
		{"an active one beside one that was canceled later may have become so at any time", []row{{"active", 1}, {"canceled", 5}}, status.SourceRecord{Value: "active", UpdatedAt: at(5)}},
		{"of two active ones nobody knows which was first", []row{{"active", 1}, {"active", 5}}, status.SourceRecord{Value: "active", UpdatedAt: at(5)}},
		{"the order of the rows does not matter", []row{{"trialing", 6}, {"canceled", 2}, {"canceled", 1}}, status.SourceRecord{Value: "trialing", ValueAt: at(6), UpdatedAt: at(6)}},
		{"rows on two pages", []row{{"canceled", 1}, {"canceled", 2}, {"canceled", 3}, {"canceled", 4}, {"trialing", 5}},
			status.SourceRecord{Value: "trialing", ValueAt: at(5), UpdatedAt: at(5)}},
		{"rows without a status do not count", []row{{"", 5}, {"canceled", 1}}, status.SourceRecord{Value: "canceled", UpdatedAt: at(5)}},
		{"rows none of which has a status", []row{{"", 5}}, status.SourceRecord{NoStatus: true, UpdatedAt: at(5)}},
		{"a deleted row does not count, and was something before", []row{{"deleted", 1}, {"canceled", 5}}, status.SourceRecord{Value: "canceled", UpdatedAt: at(5)}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := &billing{t: t}
			b.row("other", "c2", "active", now)
			for i, r := range c.rows {
				b.row(fmt.Sprint("sub_", i), "c1", r.word, at(r.hours))
				switch last := b.rows[len(b.rows)-1]; r.word {
				case "":
					last["status"] = nil
				case "deleted":
					last["status"], last["deleted"] = "active", true
				}
			}
			got, err := connect(t, manyRows(), b).Source.Read(t.Context(), "c1")
			if err != nil {
				t.Fatal(err)
			}
			c.want.ID, c.want.Keys = "c1", map[string]string{}
			if len(c.rows) > 0 {
				c.want.Keys["email"] = "c1@example.com"
				c.want.UpdatedAt = c.want.UpdatedAt.Add(time.Minute)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestTheNewestRowHasTheCustomersKeys(t *testing.T) {
	b := &billing{t: t}
	b.row("sub_1", "c1", "active", now.Add(-2*time.Hour))
	b.row("sub_2", "c1", "canceled", now.Add(-time.Hour))
	b.rows[1]["email"] = "new@example.com"
	if got, err := connect(t, manyRows(), b).Source.Read(t.Context(), "c1"); err != nil || got.Keys["email"] != "new@example.com" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAWordThatIsNotInThePrecedenceIsTheRowsFault(t *testing.T) {
	b := &billing{t: t}
	b.row("sub_1", "c1", "active", now)
	b.row("sub_2", "c1", "canary_word", now)
	b.row("sub_3", "c2", "trialing", now)
	conn := connect(t, manyRows(), b)
	_, err := conn.Source.Read(t.Context(), "c1")
	f := wantKind(t, err, connector.Misconfigured, connector.EffectNone)
	if !strings.Contains(f.Detail, "fold.precedence") || !strings.Contains(f.Detail, "record sub_2") || strings.Contains(f.Detail, "canary") {
		t.Errorf("it says %q", f.Detail)
	}
	var aside []connector.Aside
	got := listAll(t, connector.WithAsides(t.Context(), func(a connector.Aside) { aside = append(aside, a) }), conn)
	if len(got) != 1 || got[0].ID != "c2" || len(aside) != 1 || aside[0].ID != "c1" {
		t.Errorf("listed %+v, set aside %+v", got, aside)
	}
}

func TestARowOfAnotherCustomerIsNotReadAsOneOfThis(t *testing.T) {
	tool := jsonTool(`{"list":[{"subscription":{"id":"sub_1","customer_id":"c2","status":"active"}}],"next_offset":""}`)
	_, err := connect(t, manyRows(), tool).Source.Read(t.Context(), "c1")
	if f := wantKind(t, err, connector.Misconfigured, connector.EffectNone); !strings.Contains(f.Detail, "fold.by") {
		t.Errorf("it says %q", f.Detail)
	}
}

func TestPagesOfRowsThatDoNotEndAreGivenUp(t *testing.T) {
	same := jsonTool(`{"list":[],"next_offset":"2"}`)
	if _, err := connect(t, manyRows(), same).Source.Read(t.Context(), "c1"); err == nil {
		t.Error("a cursor that stays is followed")
	}
	n := 0
	on := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		jsonTool(fmt.Sprintf(`{"list":[],"next_offset":"%d"}`, n))(w, r)
	})
	if _, err := connect(t, manyRows(), on).Source.Read(t.Context(), "c1"); err == nil || n != maxFoldPages {
		t.Errorf("%v after %d pages", err, n)
	}
}

func listAll(t *testing.T, ctx context.Context, conn connector.Connection) (all []status.SourceRecord) {
	t.Helper()
	for cursor := ""; ; {
		page, next, err := conn.SourceList.List(ctx, cursor)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, page...); next == "" {
			return all
		}
		cursor = next
	}
}

// A list that is cut between two rows of one customer tells what all of them say.
func TestAListAndAPollNameTheCustomersOfTheirRows(t *testing.T) {
	b := &billing{t: t}
	b.row("sub_1", "c2", "canceled", now.Add(-9*time.Hour))
	b.row("sub_2", "c1", "canceled", now.Add(-8*time.Hour))
	b.row("sub_3", "c1", "active", now.Add(-7*time.Hour))
	conn := connect(t, manyRows(), b)
	words := map[string]string{}
	for _, r := range listAll(t, t.Context(), conn) {
		if was, twice := words[r.ID]; twice && was != r.Value {
			t.Errorf("%s is %s and %s", r.ID, was, r.Value)
		}
		words[r.ID] = r.Value
	}
	if d := cmp.Diff(map[string]string{"c1": "active", "c2": "canceled"}, words); d != "" {
		t.Error(d)
	}
	if conn.TargetList != nil || conn.Target != nil {
		t.Error("rows are listed as records of a target")
	}
	_, cursor, more, err := conn.Changes.Since(t.Context(), "")
	for err == nil && more {
		_, cursor, more, err = conn.Changes.Since(t.Context(), cursor)
	}
	b.row("sub_4", "c2", "past_due", now.Add(-time.Minute))
	var found []connector.Reading
	for more = true; err == nil && more; {
		var page []connector.Reading
		page, cursor, more, err = conn.Changes.Since(t.Context(), cursor)
		found = append(found, page...)
	}
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(found, func(r connector.Reading) bool { return strings.HasPrefix(r.Event.ID, "list:sub_4:") })
	if i < 0 || found[i].Event.Customer != "c2" || found[i].Event.HasValue || found[i].Event.OccurredAt.IsZero() {
		t.Errorf("found %+v", found)
	}
}

func TestAWebhookOfARowOnlyNamesItsCustomer(t *testing.T) {
	conn := connect(t, manyRows(), &billing{t: t})
	got, err := conn.Receiver.Events(http.Header{}, []byte(`{"id":"e1","at":1750000000,"content":{"subscription":{"customer_id":"c1","status":"canceled"}}}`))
	if err != nil || len(got) != 1 || got[0].Event.Customer != "c1" || got[0].Event.HasValue || got[0].Skip != "" || !got[0].Event.UnchangedAt.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestEveryFaultOfAFoldIsReportedAtItsPlace(t *testing.T) {
	cases := []struct {
		name   string
		change func(s *Settings)
		want   string
	}{
		{"a sound one", func(*Settings) {}, ""},
		{"a single page", func(s *Settings) { s.Read.Get, s.Read.Next = "/subscriptions?customer={id}", "" }, ""},
		{"nothing inside", func(s *Settings) { s.Fold = &Fold{} }, "fold.by fold.precedence"},
		{"a by that does not parse", func(s *Settings) { s.Fold.By = "event.customer" }, "fold.by"},
		{"a by that is the row's own id", func(s *Settings) { s.Fold.By = "record.id" }, "fold.by"},
		{"a word twice", func(s *Settings) { s.Fold.Precedence = []string{"active", "active"} }, "fold.precedence[1]"},
		{"an empty word", func(s *Settings) { s.Fold.Precedence = []string{"active", ""} }, "fold.precedence[1]"},
		{"no read", func(s *Settings) { s.Read, s.Record.Deleted = nil, "" }, "read"},
		{"read.record", func(s *Settings) { s.Read.Record = "body" }, "read.record"},
		{"records that do not parse", func(s *Settings) { s.Read.Records = "(" }, "read.records"},
		{"next and no {cursor}", func(s *Settings) { s.Read.Get = "/subscriptions?customer={id}" }, "read"},
		{"{cursor} and no next", func(s *Settings) { s.Read.Next = "" }, "read"},
		{"a webhook's status", func(s *Settings) { s.Webhook.Status = "event.status" }, "webhook.status"},
		{"a webhook's changed", func(s *Settings) { s.Webhook.Changed = "true" }, "webhook.changed"},
		{"a merged row", func(s *Settings) { s.Record.MergedInto = "record.into" }, "record.merged_into"},
		{"a write", func(s *Settings) { s.Write = &Write{Put: "/c/{id}", Body: map[string]any{"s": "{value}"}} }, "write"},
		{"records and next without a fold", func(s *Settings) { s.Fold, s.Read.Get = nil, "/c/{id}" }, "read.records read.next"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := manyRows()
			c.change(s)
			if got := agreed(t, s, "http://127.0.0.1:9002", connector.Use{}); got != c.want {
				t.Errorf("faults at %q, want %q", got, c.want)
			}
			agreed(t, s, "http://127.0.0.1:9002", connector.Use{Target: true})
		})
	}
	if agreed(t, manyRows(), "http://127.0.0.1:9002", connector.Use{Target: true}) == "" {
		t.Error("a fold is accepted as a target")
	}
	if got := manyRows().ClosedSet(config.Side{}); !slices.Equal(got.Values, manyRows().Fold.Precedence) {
		t.Errorf("its words are %v", got.Values)
	}
}

func TestARowsSourceKeepsTheContract(t *testing.T) {
	rows := jsonTool(`{"list":[{"subscription":{"id":"s1","customer_id":"c1","status":"active","updated_at":1749996400,"status_at":1749996400}},
		{"subscription":{"id":"s2","customer_id":"c1","status":"canceled","updated_at":1749996400,"status_at":1749996400}}],"next_offset":""}`)
	noList := map[int]connector.FailureKind{404: connector.Misconfigured, 410: connector.Misconfigured}
	h := harness(func(s *Settings) { headers := s.Headers; *s = *manyRows(); s.Headers = headers })
	h.Reads = []connectortest.Call{
		{Name: "read the source", Tool: rows, Do: func(ctx context.Context, c connector.Connection) (any, error) { return c.Source.Read(ctx, "c1") }},
		{Name: "poll", Tool: rows, Do: func(ctx context.Context, c connector.Connection) (any, error) {
			events, _, _, err := c.Changes.Since(ctx, now.Add(-time.Minute).Format(time.RFC3339))
			return events, err
		}, Except: noList},
		{Name: "list the source", Tool: rows, Do: func(ctx context.Context, c connector.Connection) (any, error) {
			records, _, err := c.SourceList.List(ctx, "")
			return records, err
		}, Except: noList},
	}
	h.Polled = func(changes func() []connectortest.Change) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var records []string
			page, next := pageOf(changes(), r.URL.Query().Get("offset"))
			for _, c := range page {
				records = append(records, fmt.Sprintf(`{"subscription":{"id":"s_%s","customer_id":%q,"status":"active","updated_at":%q}}`, c.Customer, c.Customer, c.At.Format(time.RFC3339)))
			}
			jsonTool(fmt.Sprintf(`{"list":[%s],"next_offset":%q}`, strings.Join(records, ","), next))(w, r)
		}
	}
	h.Rows = "list"
	h.Empty = func(w http.ResponseWriter, r *http.Request) {
		jsonTool(fmt.Sprintf(`{"list":[],"next_offset":%q}`, skipped+r.URL.Query().Get("offset")))(w, r)
	}
	connectortest.Run(t, h)
}
