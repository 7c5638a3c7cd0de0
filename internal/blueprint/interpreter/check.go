package interpreter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// blueprint is the file as Make reads it.
type blueprint struct {
	Name     string    `json:"name"`
	Flow     []*module `json:"flow"`
	Metadata *metadata `json:"metadata"`
}

type metadata struct {
	Instant  bool `json:"instant"`
	Version  int  `json:"version"`
	Scenario *struct {
		Roundtrips            int   `json:"roundtrips"`
		MaxErrors             int   `json:"maxErrors"`
		AutoCommit            bool  `json:"autoCommit"`
		AutoCommitTriggerLast bool  `json:"autoCommitTriggerLast"`
		Sequential            *bool `json:"sequential"`
		Confidential          bool  `json:"confidential"`
		DataLoss              bool  `json:"dataloss"`
		DLQ                   bool  `json:"dlq"`
		FreshVariables        bool  `json:"freshVariables"`
	} `json:"scenario"`
	Designer *struct {
		Orphans []any `json:"orphans"`
	} `json:"designer"`
}

type module struct {
	ID         int             `json:"id"`
	Module     string          `json:"module"`
	Version    int             `json:"version"`
	Parameters map[string]any  `json:"parameters"`
	Mapper     json.RawMessage `json:"mapper"`
	Filter     *filter         `json:"filter"`
	Routes     []struct {
		Flow []*module `json:"flow"`
	} `json:"routes"`
	OnError  []*module `json:"onerror"`
	Metadata *struct {
		Designer *struct {
			X    *int   `json:"x"`
			Y    *int   `json:"y"`
			Name string `json:"name"`
		} `json:"designer"`
	} `json:"metadata"`

	// mapped is the parsed mapper.
	mapped map[string]any
}

type filter struct {
	Name       string `json:"name"`
	Conditions [][]struct {
		A string `json:"a"`
		O string `json:"o"`
		B string `json:"b"`
	} `json:"conditions"`
}

// known are the modules that the interpreter has, with their version.
var known = map[string]int{
	"gateway:CustomWebHook": 1, "gateway:WebhookRespond": 1, "builtin:BasicRouter": 1, "util:SetVariables": 1,
	"http:MakeRequest": 4, "builtin:Break": 1, "builtin:Ignore": 1, "builtin:BasicFeeder": 1, "util:TextAggregator": 1,
}

// directives end an error handler.
var directives = []string{"builtin:Break", "builtin:Ignore"}

// cannotFail are the modules that need no error handler.
var cannotFail = []string{"gateway:CustomWebHook", "builtin:BasicRouter", "builtin:BasicFeeder", aggregator}

const aggregator = "util:TextAggregator"

// feeder is the module whose items an aggregator joins, 0 for none.
func (m *module) feeder() int {
	id, _ := m.Parameters["feeder"].(float64)
	return int(id)
}

// operators are the comparisons of filters.
var operators = []string{"text:equal", "text:notequal", "number:equal", "number:less", "number:greater", "number:lessorequal", "number:greaterorequal"}

// parse reads a file and refuses unknown members.
func parse(file []byte) (*blueprint, error) {
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	b := &blueprint{}
	if err := d.Decode(b); err != nil {
		return nil, fmt.Errorf("read the blueprint: %w", err)
	}
	return b, nil
}

// Check reports everything in a file that Make would refuse, or that would let
// the first error break a scenario.
func Check(file []byte) error {
	b, err := parse(file)
	if err != nil {
		return err
	}
	c := &checker{ids: map[int]bool{}}
	c.scenario(b)
	c.flow(b.Flow, map[int]bool{}, "the flow", false)
	if len(b.Flow) > 0 && b.Flow[0].Module != "gateway:CustomWebHook" {
		c.fault("the scenario does not begin with a webhook")
	}
	return errors.Join(c.faults...)
}

type checker struct {
	faults []error
	ids    map[int]bool
}

func (c *checker) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf(format, args...))
}

func (c *checker) scenario(b *blueprint) {
	if b.Name == "" || len(b.Flow) == 0 {
		c.fault("the blueprint has no name or no modules")
	}
	m := b.Metadata
	if m == nil || m.Scenario == nil || m.Designer == nil || m.Designer.Orphans == nil || m.Version != 1 {
		c.fault("the metadata is not whole, and Make refuses the blueprint")
		return
	}
	switch s := m.Scenario; {
	case !m.Instant:
		c.fault("a scenario with a webhook is instant")
	case s.Sequential == nil || *s.Sequential:
		c.fault("sequential processing has Make answer Accepted in place of the scenario")
	case s.Roundtrips != 1 || s.MaxErrors < 1 || !s.AutoCommit:
		c.fault("the scenario's settings are not Make's own")
	case s.DataLoss:
		c.fault("the scenario allows the loss of data")
	}
	if uses(b.Flow, "builtin:Break") && !m.Scenario.DLQ {
		c.fault("Break stores an incomplete execution, which the scenario does not allow")
	}
}

func uses(flow []*module, kind string) bool {
	for _, m := range flow {
		if m.Module == kind || uses(m.OnError, kind) {
			return true
		}
		for _, r := range m.Routes {
			if uses(r.Flow, kind) {
				return true
			}
		}
	}
	return false
}

// flow checks the modules of one route. seen are those whose output may be
// used.
func (c *checker) flow(flow []*module, seen map[int]bool, where string, handler bool) {
	if len(flow) == 0 {
		c.fault("%s is empty", where)
		return
	}
	for i, m := range flow {
		at := fmt.Sprintf("module %d (%s)", m.ID, m.Module)
		c.module(m, at, seen)
		last := i == len(flow)-1
		switch {
		case slices.Contains(directives, m.Module) != (handler && last):
			c.fault("%s: a directive ends an error handler, and stands nowhere else", at)
		case m.Module == "builtin:BasicRouter" && !last:
			c.fault("%s: nothing can follow a router", at)
		case m.Module == "builtin:BasicFeeder" && (last || flow[i+1].Module != aggregator):
			c.fault("%s: without an aggregator behind it, what follows runs once for each item, and never for none", at)
		case m.Module == aggregator && (i == 0 || m.feeder() != flow[i-1].ID):
			c.fault("%s: its feeder is not the iterator before it", at)
		case m.Module == aggregator && (m.Parameters["rowSeparator"] != "other" || m.Parameters["otherRowSeparator"] == nil):
			c.fault("%s has no separator", at)
		case m.Module == "gateway:WebhookRespond" && !last && !handler:
			c.fault("%s: a module behind the answer could fail unnoticed", at)
		case m.Module == "gateway:CustomWebHook" && (i > 0 || where != "the flow"):
			c.fault("%s: a trigger stands at the begin only", at)
		case i == 0 && m.Filter != nil && where == "the flow":
			c.fault("%s: a trigger has no filter", at)
		}
		if m.OnError != nil {
			c.flow(m.OnError, seen, "the error handler of "+at, true)
		} else if !handler && !slices.Contains(cannotFail, m.Module) {
			c.fault("%s has no error handler, and its first error would switch the scenario off", at)
		}
		seen[m.ID] = true
		if m.Module == aggregator {
			delete(seen, m.feeder()) // the items are not handed on
		}
		for j, r := range m.Routes {
			within := map[int]bool{}
			for id := range seen {
				within[id] = true
			}
			if len(r.Flow) > 0 && r.Flow[0].Filter == nil {
				c.fault("%s: route %d has no filter on its first module, so it always runs", at, j+1)
			}
			c.flow(r.Flow, within, fmt.Sprintf("route %d of %s", j+1, at), false)
		}
	}
}

func (c *checker) module(m *module, at string, seen map[int]bool) {
	if m.ID < 1 || c.ids[m.ID] {
		c.fault("%s: the id is used twice, or is none", at)
	}
	c.ids[m.ID] = true
	if version, ok := known[m.Module]; !ok || version != m.Version {
		c.fault("%s: there is no version %d of such a module", at, m.Version)
	}
	if m.Metadata == nil || m.Metadata.Designer == nil || m.Metadata.Designer.X == nil || m.Metadata.Designer.Y == nil {
		c.fault("%s has no place in the editor", at)
	}
	if m.Parameters == nil {
		c.fault("%s has no parameters", at)
	}
	isRouter := m.Module == "builtin:BasicRouter"
	if isRouter != (len(m.Routes) > 0) || isRouter != (string(m.Mapper) == "null") {
		c.fault("%s: a router, and nothing else, has routes and a null mapper", at)
	}
	if !isRouter && json.Unmarshal(m.Mapper, &m.mapped) != nil {
		c.fault("%s: the mapper is no object", at)
	}
	c.mapper(m, at)
	c.formulas(m, at, seen)
}

// fields are what each module's mapper may contain; a field with ! is required.
var fields = map[string][]string{
	"gateway:WebhookRespond": {"status!", "body!", "headers!"},
	"util:SetVariables":      {"scope!", "variables!"},
	"http:MakeRequest": {"url!", "method!", "headers!", "queryParameters", "contentType", "inputMethod", "jsonStringBodyContent",
		"parseResponse!", "stopOnHttpError!", "allowRedirects!", "shareCookies!", "requestCompressedContent!"},
	"builtin:Break":       {"retry!", "count!", "interval!"},
	"builtin:BasicFeeder": {"array!"},
	"util:TextAggregator": {"value!"},
}

func (c *checker) mapper(m *module, at string) {
	allowed := fields[m.Module]
	for key := range m.mapped {
		if !slices.Contains(allowed, key) && !slices.Contains(allowed, key+"!") {
			c.fault("%s has no field %s", at, key)
		}
	}
	for _, key := range allowed {
		if name, must := strings.CutSuffix(key, "!"); must && m.mapped[name] == nil {
			c.fault("%s: the field %s is missing", at, name)
		}
	}
	if m.Module != "http:MakeRequest" {
		return
	}
	switch m.Parameters["authenticationType"] {
	case "noAuth", "apiKey":
	default:
		c.fault("%s has no kind of authentication", at)
	}
	if key := m.Parameters["apiKeyKeychain"]; key != nil {
		c.fault("%s names a key of an account, which no other account has", at)
	}
	method, _ := m.mapped["method"].(string)
	if method != strings.ToLower(method) {
		c.fault("%s: a method is written in small letters", at)
	}
	if (m.mapped["jsonStringBodyContent"] != nil) != (m.mapped["contentType"] == "json" && m.mapped["inputMethod"] == "jsonString") {
		c.fault("%s: a JSON body needs contentType json and inputMethod jsonString", at)
	}
}

// formulas checks each formula of a module: that it parses, and uses only the
// output of earlier modules on the same route.
func (c *checker) formulas(m *module, at string, seen map[int]bool) {
	var check func(v any)
	check = func(v any) {
		switch t := v.(type) {
		case string:
			used, err := references(t)
			if err != nil {
				c.fault("%s: %v", at, err)
			}
			for _, id := range used {
				if !seen[id] {
					c.fault("%s uses module %d, which did not run before it on this way", at, id)
				}
			}
		case []any:
			for _, item := range t {
				check(item)
			}
		case map[string]any:
			for _, item := range t {
				check(item)
			}
		}
	}
	check(m.mapped)
	if m.Filter == nil {
		return
	}
	if m.Filter.Name == "" || len(m.Filter.Conditions) == 0 {
		c.fault("%s: the filter has no name or no condition", at)
	}
	for _, all := range m.Filter.Conditions {
		if len(all) == 0 {
			c.fault("%s: the filter lets everything through", at)
		}
		for _, one := range all {
			if !slices.Contains(operators, one.O) {
				c.fault("%s: there is no comparison %s", at, one.O)
			}
			check(one.A)
			check(one.B)
		}
	}
}
