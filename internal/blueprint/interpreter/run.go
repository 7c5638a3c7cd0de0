package interpreter

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// execution is one run of a scenario.
type execution struct {
	scenario *Scenario
	id       string
	// outputs are the outputs of the modules, by their id.
	outputs map[int]map[string]any
	answer  *response
	// left is how often Break may retry; below 0, as often as the module is set
	// to.
	left int
}

func newExecution(s *Scenario) *execution {
	return &execution{scenario: s, id: strings.ToLower(rand.Text()), outputs: map[int]map[string]any{}, left: -1}
}

// incomplete is an execution that Break stored.
type incomplete struct {
	execution *execution
	flow      []*module // from the module that failed
	left      int
	err       error
}

// errStopped ends a route without an error: a filter that does not match, or a
// directive that handled an error.
var errStopped = errors.New("stopped")

// flow runs modules one after the other. The error is one that no handler
// caught.
func (e *execution) flow(modules []*module) error {
	for i, m := range modules {
		if passes, err := e.passes(m.Filter); err != nil {
			return err
		} else if !passes {
			return nil
		}
		if m.Module == "builtin:BasicRouter" {
			return e.routes(m)
		}
		if m.Module == "builtin:BasicFeeder" && i+1 < len(modules) && modules[i+1].Module == aggregator {
			continue // it runs with what joins its items
		}
		output, err := e.module(m)
		if m.Module == aggregator && i > 0 {
			output, err = e.join(modules[i-1], m)
		}
		if err == nil {
			e.outputs[m.ID] = output
			continue
		}
		if err = e.handle(m, modules[i:], fmt.Errorf("module %d (%s): %w", m.ID, m.Module, err)); errors.Is(err, errStopped) {
			return nil
		}
		return err
	}
	return nil
}

// routes runs every route of a router whose filter matches. No route sees the
// output of another.
func (e *execution) routes(m *module) error {
	before := e.outputs
	defer func() { e.outputs = before }()
	for _, r := range m.Routes {
		e.outputs = maps.Clone(before)
		if err := e.flow(r.Flow); err != nil {
			return err
		}
	}
	return nil
}

// handle runs the error handler of a module.
func (e *execution) handle(m *module, rest []*module, err error) error {
	if m.OnError == nil {
		return err
	}
	for _, h := range m.OnError {
		switch h.Module {
		case "builtin:Ignore":
			return errStopped
		case "builtin:Break":
			return e.store(h, rest, err)
		}
		if _, failed := e.module(h); failed != nil {
			return e.handle(h, nil, fmt.Errorf("error handler: %w", failed))
		}
	}
	return err
}

// store keeps an execution for a retry.
func (e *execution) store(h *module, rest []*module, err error) error {
	left := e.left
	if left < 0 {
		count, _ := h.mapped["count"].(string)
		n, bad := strconv.Atoi(count)
		if bad != nil || n < 1 || n > 10 || h.mapped["retry"] != true {
			return fmt.Errorf("break: %q is no number of tries", count)
		}
		left = n
	}
	again := *e
	again.outputs, again.answer = maps.Clone(e.outputs), nil
	e.scenario.set(func() {
		e.scenario.incomplete = append(e.scenario.incomplete, &incomplete{&again, rest, left, err})
	})
	return errStopped
}

// passes evaluates a filter: one of the outer conditions, all of its inner ones.
func (e *execution) passes(f *filter) (bool, error) {
	if f == nil {
		return true, nil
	}
	for _, all := range f.Conditions {
		holds := true
		for _, c := range all {
			a, err := e.text(c.A)
			if err != nil {
				return false, err
			}
			b, err := e.text(c.B)
			if err != nil {
				return false, err
			}
			holds = holds && compare(a, c.O, b)
		}
		if holds {
			return true, nil
		}
	}
	return false, nil
}

// compare compares two values; a text is neither less nor greater than a
// number.
func compare(a, operator, b string) bool {
	switch operator {
	case "text:equal":
		return a == b
	case "text:notequal":
		return a != b
	}
	x, errA := strconv.ParseFloat(a, 64)
	y, errB := strconv.ParseFloat(b, 64)
	if errA != nil || errB != nil {
		return false
	}
	switch operator {
	case "number:equal":
		return x == y
	case "number:less":
		return x < y
	case "number:greater":
		return x > y
	case "number:lessorequal":
		return x <= y
	case "number:greaterorequal":
		return x >= y
	}
	return false
}

func (e *execution) module(m *module) (map[string]any, error) {
	switch m.Module {
	case "util:SetVariables":
		return e.setVariables(m)
	case "gateway:WebhookRespond":
		return nil, e.respond(m)
	case "http:MakeRequest":
		return e.call(m)
	case aggregator:
		return nil, nil // join
	}
	return nil, fmt.Errorf("there is no module %s", m.Module)
}

// join runs an aggregator for each item of its iterator.
func (e *execution) join(feeder, m *module) (map[string]any, error) {
	v, err := e.value(textOf(feeder.mapped, "array"))
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		return nil, errors.New("array: the value is not an array")
	}
	var texts []string
	for _, item := range list {
		object, ok := item.(map[string]any)
		if !ok {
			object = map[string]any{"value": item}
		}
		e.outputs[feeder.ID] = object
		text, err := e.text(textOf(m.mapped, "value"))
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	delete(e.outputs, feeder.ID)
	separator, _ := m.Parameters["otherRowSeparator"].(string)
	return map[string]any{"text": strings.Join(texts, separator)}, nil
}

func (e *execution) setVariables(m *module) (map[string]any, error) {
	output := map[string]any{}
	for _, v := range items(m.mapped["variables"]) {
		name, _ := v["name"].(string)
		value, err := e.value(textOf(v, "value"))
		if err != nil {
			return nil, err
		}
		output[name] = value
	}
	return output, nil
}

func (e *execution) respond(m *module) error {
	if e.answer != nil {
		return errors.New("the request is answered already")
	}
	status, err := e.text(textOf(m.mapped, "status"))
	if err != nil {
		return err
	}
	code, err := strconv.Atoi(status)
	if err != nil || code < 100 || code > 599 {
		return fmt.Errorf("%q is no status", status)
	}
	r := &response{status: code, headers: map[string]string{}}
	for _, h := range items(m.mapped["headers"]) {
		if r.headers[textOf(h, "key")], err = e.text(textOf(h, "value")); err != nil {
			return err
		}
	}
	if r.body, err = e.text(textOf(m.mapped, "body")); err != nil {
		return err
	}
	e.answer = r
	return nil
}

func (e *execution) call(m *module) (map[string]any, error) {
	req, err := e.request(m)
	if err != nil {
		return nil, err
	}
	resp, err := e.scenario.account.calls.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	lost := false
	e.scenario.set(func() {
		if e.scenario.lose > 0 {
			e.scenario.lose, lost = e.scenario.lose-1, true
		}
	})
	if lost {
		return nil, errors.New("the connection broke before the answer")
	}
	if m.mapped["stopOnHttpError"] == true && resp.StatusCode >= 400 {
		return nil, fmt.Errorf("the server answered %d", resp.StatusCode)
	}
	output := map[string]any{"statusCode": int64(resp.StatusCode), "data": string(body)}
	var data any
	if m.mapped["parseResponse"] == true && json.Unmarshal(body, &data) == nil {
		output["data"] = data
	}
	return output, nil
}

// request builds the call of an HTTP module.
func (e *execution) request(m *module) (*http.Request, error) {
	address, err := e.text(textOf(m.mapped, "url"))
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	base, known := e.scenario.account.hosts[u.Scheme+"://"+u.Host]
	if !known {
		return nil, fmt.Errorf("getaddrinfo ENOTFOUND %s", u.Host)
	}
	if address, err = e.withQuery(base+u.EscapedPath(), u, m); err != nil {
		return nil, err
	}
	body, err := e.text(textOf(m.mapped, "jsonStringBodyContent"))
	if err != nil {
		return nil, err
	}
	if m.mapped["contentType"] == "json" && !json.Valid([]byte(body)) {
		return nil, errors.New("the source is not valid JSON")
	}
	req, err := http.NewRequest(strings.ToUpper(textOf(m.mapped, "method")), address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, h := range items(m.mapped["headers"]) {
		value, err := e.text(textOf(h, "value"))
		if err != nil {
			return nil, err
		}
		req.Header.Set(textOf(h, "name"), value)
	}
	if m.Parameters["authenticationType"] == "apiKey" {
		if e.scenario.settings.KeyName == "" {
			return nil, errors.New("the key of the module is not chosen")
		}
		req.Header.Set(e.scenario.settings.KeyName, e.scenario.settings.KeyValue)
	}
	return req, nil
}

func (e *execution) withQuery(address string, u *url.URL, m *module) (string, error) {
	query := u.Query()
	for _, q := range items(m.mapped["queryParameters"]) {
		name, err := e.text(textOf(q, "name"))
		if err != nil {
			return "", err
		}
		value, err := e.text(textOf(q, "value"))
		if err != nil {
			return "", err
		}
		query.Set(name, value)
	}
	if len(query) == 0 {
		return address, nil
	}
	return address + "?" + query.Encode(), nil
}

// items returns the objects of a list.
func items(v any) []map[string]any {
	list, _ := v.([]any)
	var out []map[string]any
	for _, item := range list {
		if object, ok := item.(map[string]any); ok {
			out = append(out, object)
		}
	}
	return out
}

// textOf returns the text under a key, "" when there is none.
func textOf(object map[string]any, key string) string {
	s, _ := object[key].(string)
	return s
}
