package httpconn

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
)

// WrittenFields implements config.HasWrittenFields: where in a write the value
// stands. The sync's field counts for nothing here, the connection says it all.
func (s *Settings) WrittenFields(side config.Side) []string {
	if s.Write == nil {
		return nil
	}
	if s.Write.Add != nil {
		return s.writtenSteps(side)
	}
	_, path, _, _ := s.Write.request()
	path, query, _ := strings.Cut(path, "?")
	var all []string
	note := func(where string) { all = append(all, strings.Trim(path, "/")+" "+where) }
	if params, err := url.ParseQuery(query); err == nil {
		for _, name := range slices.Sorted(maps.Keys(params)) {
			if slices.ContainsFunc(params[name], hasValue) {
				note("?" + name)
			}
		}
	}
	if hasValue(path) {
		note("")
	}
	valuesIn(s.Write.Body, "", note)
	return all
}

// ReadField implements config.HasReadField: the sync's field counts for nothing
// here, the connection says it all.
func (s *Settings) ReadField() string { return strings.TrimSpace(s.Record.Status) }

func hasValue(text string) bool { return hasPlaceholder(text, []string{phValue, phStatus}) }

// valuesIn notes each place of a body at which the value stands. What stands
// beside it in an item of a list says which field it is: {id: tier, value: …}.
func valuesIn(body any, at string, note func(where string)) {
	switch b := body.(type) {
	case string:
		if hasValue(b) {
			note(at)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(b)) {
			valuesIn(b[key], at+"."+key, note)
		}
	case []any:
		for _, item := range b {
			text, err := json.Marshal(item)
			if err != nil {
				text = nil
			}
			valuesIn(item, at+string(text), note)
		}
	}
}
