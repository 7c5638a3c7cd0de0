package app_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/connectortest"
	"github.com/trueup-sync/trueup/internal/connector/registry"
	"github.com/trueup-sync/trueup/internal/status"
)

// heldTool is the connection of an example, which the suite of package connectortest
// tries with the copy of its tool.
type heldTool struct {
	example, connection, base string
	build                     func(*shop)
	of                        func(word string) string
	use                       connector.Use
	now                       time.Time // what both clocks show
	// changes are what the copy lists while a list is polled.
	changes func() []connectortest.Change

	read sync.Once
	file config.Connection
}

// rowsOf are the names under which the tools' lists have their rows.
var rowsOf = map[string]string{"activecampaign": "contacts", "airtable": "records", "chargebee": "list", "hubspot": "results", "intercom": "data", "notion": "results", "paddle": "data",
	"pipedrive": "data", "salesforce": "records", "zendesk": "users"}

func (c *heldTool) harness() connectortest.Harness {
	return connectortest.Harness{Open: c.open, Now: func() time.Time { return c.now }, Secrets: []string{"value-of-", macSecret, "granted-"}}
}

func (c *heldTool) open(t *testing.T, base string, deps connector.Deps) connector.Connection {
	t.Helper()
	deps.Use, deps.Tokens = c.use, grantedOnce{}
	// The suite opens it some hundred times: to read the file again took longer than what
	// the suite does with it.
	c.read.Do(func() { c.file = exampleAt(t, c.example).Connections[c.connection] })
	at := c.file
	at.BaseURL = strings.Replace(at.BaseURL, c.base, base, 1)
	conn, err := registry.Open(at, deps)
	if err != nil {
		t.Fatal(err)
	}
	if c.changes != nil {
		conn.Changes = renamed{conn.Changes, c}
	}
	return conn
}

// copy is the tool with a few records.
func (c *heldTool) copy(t *testing.T, prepare func(*shop)) http.HandlerFunc {
	s := newShop(t, 2)
	c.build(s)
	for _, r := range s.rows {
		r.status, r.at = c.of("Active"), c.now.Add(-time.Hour)
	}
	prepare(s)
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", c.now.UTC().Format(http.TimeFormat))
		s.handler(w, r)
	}
}

func asItIs(*shop) {}

// grantedOnce keeps an access token of Salesforce's copy: the suite counts what is
// asked of the tool itself.
type grantedOnce struct{}

func (grantedOnce) token() connector.Token {
	return connector.Token{Access: "granted-1", Issued: time.Now()}
}
func (g grantedOnce) Token(context.Context) (connector.Token, error) { return g.token(), nil }
func (grantedOnce) Begin(context.Context) error                      { return nil }
func (g grantedOnce) Renew(context.Context, connector.Token, func(context.Context, connector.Token) (connector.Token, error)) (connector.Token, error) {
	return g.token(), nil
}

// renamed gives the customers of a list the names that the suite knows them by.
type renamed struct {
	connector.Changes
	*heldTool
}

func (n renamed) Since(ctx context.Context, cursor string) ([]connector.Reading, string, bool, error) {
	found, next, more, err := n.Changes.Since(ctx, cursor)
	for i := range found {
		if r, err := strconv.Atoi(strings.TrimLeft(found[i].Event.Customer, "abcdefghijklmnopqrstuvwxyz_0")); err == nil {
			found[i].Event.Customer = n.changes()[r-1].Customer
		}
	}
	return found, next, more, err
}

func (n renamed) Place(cursor string) time.Time { return n.Changes.(connector.Placed).Place(cursor) }

// polled fills in what the suite needs to poll the tool's list.
func (c *heldTool) polled(t *testing.T, h *connectortest.Harness, rows string) {
	var s *shop
	answer := func(w http.ResponseWriter, r *http.Request, skips bool) {
		s.mu.Lock()
		s.skips = skips
		for i, change := range c.changes() {
			if i == len(s.rows) {
				s.rows = append(s.rows, &shopRow{n: i + 1, email: mail(i + 1), status: c.of("Active"), at: change.At})
			}
		}
		s.mu.Unlock()
		s.handler(w, r)
	}
	h.Rows = rows
	h.Polled = func(changes func() []connectortest.Change) http.HandlerFunc {
		s, c.changes = newShop(t, 0), changes
		c.build(s)
		s.most, s.rows = 100, nil
		return func(w http.ResponseWriter, r *http.Request) { answer(w, r, false) }
	}
	h.Empty = func(w http.ResponseWriter, r *http.Request) { answer(w, r, true) }
}

// A list is no record that could be gone: its address is wrong.
var noList = map[int]connector.FailureKind{404: connector.Misconfigured, 410: connector.Misconfigured}

// exceptCustomers are the exceptions of a list. Where it has rows, each customer of a
// page is then asked for, who may have gone meanwhile.
func exceptCustomers(address string) map[int]connector.FailureKind {
	if strings.Contains(address, "customer_id") {
		return map[int]connector.FailureKind{404: "", 410: ""}
	}
	return exceptOptions(noList)(address)
}

// optionsCalls are the paths of the calls that read a field's options.
var optionsCalls = []string{"/personFields/", "/properties/contacts/", "/databases/DATABASE", "/describe"}

// exceptOptions are the exceptions of a call that may read the options before.
func exceptOptions(own map[int]connector.FailureKind) func(address string) map[int]connector.FailureKind {
	return func(address string) map[int]connector.FailureKind {
		if slices.ContainsFunc(optionsCalls, func(call string) bool {
			return strings.Contains(address, call) && !strings.HasSuffix(address, "/query")
		}) {
			return noList
		}
		return own
	}
}

// Each example's connection of the tool that follows keeps the contract of package
// connector, with the copy of the tool behind the faults that the suite makes.
func TestEachToolThatFollowsKeepsTheContract(t *testing.T) {
	for name, at := range atTools {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &heldTool{example: name, connection: "crm", base: at.base, build: at.build, of: at.of, now: time.Now(), use: connector.Use{Values: []string{"Active", "Paused", "Churned"}, Target: true}}
			h, tool := c.harness(), c.copy(t, asItIs)
			id := fmt.Sprintf(atSources[name].id, 1)
			h.Reads = []connectortest.Call{
				{Name: "read", Tool: tool, ExceptFor: exceptOptions(nil), Do: func(ctx context.Context, conn connector.Connection) (any, error) { return conn.Target.Read(ctx, id) }},
				{Name: "find", Tool: tool, ReadsByPost: true, Except: map[int]connector.FailureKind{404: "", 410: ""}, Do: func(ctx context.Context, conn connector.Connection) (any, error) {
					return conn.Target.Find(ctx, "email", mail(1))
				}},
				{Name: "list", Tool: tool, ReadsByPost: true, ExceptFor: exceptOptions(noList), Do: func(ctx context.Context, conn connector.Connection) (any, error) {
					page, next, err := conn.TargetList.List(ctx, "")
					return []any{page, next}, err
				}},
			}
			if name != "hubspot" && name != "salesforce" { // with a call whose failure stands in nobody's way
				h.Reads = append(h.Reads, checked(tool))
			}
			h.Writes = []connectortest.Call{{Name: "read and write", Tool: tool, ExceptFor: exceptOptions(nil), Do: func(ctx context.Context, conn connector.Connection) (any, error) {
				record, err := conn.Target.Read(ctx, id)
				if err == nil {
					_, err = conn.Target.Write(ctx, record, "Paused")
				}
				return nil, err
			}}}
			if name != "salesforce" { // whose answer to a write is empty
				kept := status.TargetRecord{ID: id, Value: "Active"}
				h.Lies = []connectortest.Lie{{Name: "a write that is answered and not done", Tool: c.copy(t, func(s *shop) { s.ignores = at.of("Paused") }), Record: kept, Value: "Paused"}}
			}
			connectortest.Run(t, h)
		})
	}
}

// The same of the tool that decides, with its webhook and the list that is polled.
// Stripe is not described by a file, and has the suite in its own package.
func TestEachToolThatDecidesKeepsTheContract(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(rowsOf)) {
		at := atSources[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			word := func(word string) string { return at.of(strings.ToLower(word)) }
			c := &heldTool{example: at.example, connection: "billing", base: at.base, build: at.build, of: word, now: time.Now(), use: connector.Use{Values: []string{"Active", "Paused", "Churned"}}}
			h, tool := c.harness(), c.copy(t, asItIs)
			id, from := fmt.Sprintf(at.id, 1), time.Now().Add(-2*time.Hour).UTC().Format(time.RFC3339)
			h.Reads = []connectortest.Call{
				{Name: "read", Tool: tool, ExceptFor: exceptOptions(nil), Do: func(ctx context.Context, conn connector.Connection) (any, error) { return conn.Source.Read(ctx, id) }},
				{Name: "list", Tool: tool, ReadsByPost: true, ExceptFor: exceptCustomers, Do: func(ctx context.Context, conn connector.Connection) (any, error) {
					page, next, err := conn.SourceList.List(ctx, "")
					return []any{page, next}, err
				}},
				{Name: "poll", Tool: tool, ReadsByPost: true, ExceptFor: exceptOptions(noList), Do: func(ctx context.Context, conn connector.Connection) (any, error) {
					found, _, _, err := conn.Changes.Since(ctx, from)
					return found, err
				}},
			}
			h.Reads = append(h.Reads, checked(tool))
			if at.event != nil {
				h.Webhook = at.webhook()
			}
			c.polled(t, &h, rowsOf[name])
			connectortest.Run(t, h)
		})
	}
}

// checked is what trueup check --live asks.
func checked(tool http.HandlerFunc) connectortest.Call {
	return connectortest.Call{Name: "check", Tool: tool, ReadsByPost: true, ExceptFor: exceptOptions(noList), Do: func(ctx context.Context, conn connector.Connection) (any, error) { return conn.Probe.Probe(ctx) }}
}

// webhook is a delivery of the tool.
func (a atSource) webhook() *connectortest.Webhook {
	now := time.Now().Truncate(time.Second)
	by := func(secret string, at time.Time) func(body []byte) http.Header {
		return func(body []byte) http.Header {
			if a.signed == nil {
				return http.Header{connector.PathSecret: {secret}}
			}
			h := a.signed(secret, string(body), at)
			if a.example == "hubspot-source" { // it signs the address as well, which the receiving server tells
				h.Set(connector.RequestMethod, "POST")
				h.Set(connector.RequestURL, "https://sync.example.com/hooks/billing")
			}
			return h
		}
	}
	body := []byte(a.event(&shopRow{n: 1, email: mail(1), status: a.of("active"), at: now}, 1))
	genuine := by(a.secret, now)
	return &connectortest.Webhook{Body: body, Now: now, Type: a.kind, Ping: a.pings, Sign: genuine, SignWrong: by("d3Jvbmc=", now),
		BodyNotCovered: reflect.DeepEqual(genuine(body), genuine(nil)), Expires: !reflect.DeepEqual(genuine(body), by(a.secret, now.Add(time.Hour))(body))}
}
