package blueprint

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Blueprint is one scenario.
type Blueprint struct {
	Name     string   `json:"name"`
	Flow     []Module `json:"flow"`
	Metadata Metadata `json:"metadata"`
}

// Module is one step of a scenario.
type Module struct {
	ID         int            `json:"id"`
	Module     string         `json:"module"`
	Version    int            `json:"version"`
	Parameters map[string]any `json:"parameters"`
	Filter     *Filter        `json:"filter,omitempty"`
	// Mapper is null in a router.
	Mapper   map[string]any `json:"mapper"`
	Routes   []Route        `json:"routes,omitempty"`
	OnError  []Module       `json:"onerror,omitempty"`
	Metadata Look           `json:"metadata"`
}

// Route is one way out of a router.
type Route struct {
	Flow []Module `json:"flow"`
}

// Filter stands on the module it guards. One of the outer conditions must hold,
// with all of its inner ones.
type Filter struct {
	Name       string        `json:"name"`
	Conditions [][]Condition `json:"conditions"`
}

// Condition compares two texts or numbers.
type Condition struct {
	A string `json:"a"`
	O string `json:"o"`
	B string `json:"b"`
}

// Look is a module's position and name in the editor.
type Look struct {
	Designer struct {
		X    int    `json:"x"`
		Y    int    `json:"y"`
		Name string `json:"name,omitempty"`
	} `json:"designer"`
}

// Metadata is the settings of a scenario.
type Metadata struct {
	Instant  bool     `json:"instant"`
	Version  int      `json:"version"`
	Scenario Scenario `json:"scenario"`
	Designer struct {
		Orphans []any `json:"orphans"`
	} `json:"designer"`
}

// Scenario is how a scenario runs.
type Scenario struct {
	Roundtrips            int  `json:"roundtrips"`
	MaxErrors             int  `json:"maxErrors"`
	AutoCommit            bool `json:"autoCommit"`
	AutoCommitTriggerLast bool `json:"autoCommitTriggerLast"`
	// Sequential would have Make answer Accepted in place of the scenario.
	Sequential bool `json:"sequential"`
	// Confidential keeps data out of the execution log.
	Confidential bool `json:"confidential"`
	DataLoss     bool `json:"dataloss"`
	// DLQ stores incomplete executions, which the Break directive needs.
	DLQ            bool `json:"dlq"`
	FreshVariables bool `json:"freshVariables"`
}

// JSON is the blueprint as Make imports it.
func (b Blueprint) JSON() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(b); err != nil {
		return nil, fmt.Errorf("write the blueprint %s: %w", b.Name, err)
	}
	return out.Bytes(), nil
}

// scenarioOf makes a blueprint from its modules.
func scenarioOf(name string, dlq bool, flow []Module) Blueprint {
	b := Blueprint{Name: name, Flow: flow, Metadata: Metadata{Instant: true, Version: 1, Scenario: Scenario{
		Roundtrips: 1, MaxErrors: 3, AutoCommit: true, AutoCommitTriggerLast: true, DLQ: dlq}}}
	b.Metadata.Designer.Orphans = []any{}
	return b
}

// Distances in the editor.
const (
	stepX = 300
	stepY = 250
)

// builder numbers the modules of one blueprint.
type builder struct{ last int }

// module makes a module in a column and a row of the editor.
func (b *builder) module(kind string, version, column, row int, name string) Module {
	b.last++
	m := Module{ID: b.last, Module: kind, Version: version, Parameters: map[string]any{}, Mapper: map[string]any{}}
	m.Metadata.Designer.X, m.Metadata.Designer.Y, m.Metadata.Designer.Name = column*stepX, row*stepY, name
	return m
}

func (b *builder) trigger(row int, name string) Module {
	return b.module("gateway:CustomWebHook", 1, 0, row, name)
}

func (b *builder) router(column, row int, routes func(router int) []Route) Module {
	m := b.module("builtin:BasicRouter", 1, column, row, "")
	m.Mapper, m.Routes = nil, routes(m.ID)
	return m
}

// variable is one of a SetVariables module.
type variable struct{ name, value string }

func (b *builder) variables(column, row int, name string, variables ...variable) Module {
	m := b.module("util:SetVariables", 1, column, row, name)
	list := []any{}
	for _, v := range variables {
		list = append(list, map[string]any{"name": v.name, "value": v.value})
	}
	m.Mapper = map[string]any{"scope": "roundtrip", "variables": list}
	return m
}

// respond answers the webhook. If this fails, the caller gets Make's Accepted,
// which proves nothing, and the scenario stays active (invariant 2).
func (b *builder) respond(column, row int, name, body string) Module {
	m := b.module("gateway:WebhookRespond", 1, column, row, name)
	m.Mapper = map[string]any{"status": "200", "body": body,
		"headers": []any{map[string]any{"key": "Content-Type", "value": "application/json"}}}
	m.OnError = []Module{b.module("builtin:Ignore", 1, column+1, row, "")}
	return m
}

// request is an HTTP call to url.
func (b *builder) request(column, row int, name, method, url string) Module {
	m := b.module("http:MakeRequest", 4, column, row, name)
	m.Parameters = map[string]any{"authenticationType": "noAuth", "tlsType": ""}
	m.Mapper = map[string]any{"url": url, "method": method, "headers": []any{}, "queryParameters": []any{},
		"parseResponse": true, "stopOnHttpError": false, "allowRedirects": false, "shareCookies": false, "requestCompressedContent": true}
	return m
}

// withJSON gives a request a body.
func (m Module) withJSON(body string) Module {
	m.Mapper["contentType"], m.Mapper["inputMethod"], m.Mapper["jsonStringBodyContent"] = "json", "jsonString", body
	// An import has been seen to lose the content type of the body.
	return m.withHeaders(header("Content-Type", "application/json"))
}

// withHeaders adds headers to a request.
func (m Module) withHeaders(more ...any) Module {
	headers, _ := m.Mapper["headers"].([]any)
	m.Mapper["headers"] = append(headers, more...)
	return m
}

// iterator runs what follows once for each item of an array, and never when there is
// none.
func (b *builder) iterator(column, row int, name, array string) Module {
	m := b.module("builtin:BasicFeeder", 1, column, row, name)
	m.Mapper = map[string]any{"array": "{{ifempty(" + array + "; emptyarray)}}"}
	return m
}

// joined joins a text for each item of an iterator with commas; it runs once, also
// when there was none.
func (b *builder) joined(column, row int, name string, feeder int, text string) Module {
	m := b.module("util:TextAggregator", 1, column, row, name)
	m.Parameters = map[string]any{"feeder": feeder, "rowSeparator": "other", "otherRowSeparator": ","}
	m.Mapper = map[string]any{"value": text}
	return m
}

// when lets a module run under these conditions, one of them.
func (m Module) when(name string, conditions ...[]Condition) Module {
	m.Filter = &Filter{Name: name, Conditions: conditions}
	return m
}

// where makes a condition.
func where(a, operator, b string) Condition { return Condition{A: a, O: operator, B: b} }
