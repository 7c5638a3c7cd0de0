package makecom

import (
	"context"
	"errors"
	"fmt"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// listSize is how many records a page of a list is asked to have. All of them
// pass through one run of the scenario, which answers within the timeout.
const listSize = 50

// mostListed bounds a page whose scenario takes no notice of that.
const mostListed = 1000

// list asks for one page of all records; "" is the first cursor, and the next one
// after the last page.
func (s *scenario) list(ctx context.Context, cursor string) (found []shape, next string, err error) {
	a, err := s.ask(connector.Background(ctx), OpList, map[string]any{keyCursor: cursor, keyCursorURL: percent(cursor), keyLimit: listSize})
	if err != nil {
		if f := connector.FailureOf(err); f.Kind == connector.Gone { // not a record: there is none in the request
			return nil, "", misfit(errors.New("the tool has no such list; correct the module that lists records"))
		}
		return nil, "", err
	}
	records, isList := a["records"].([]any)
	count, isCount := a["count"].(int64)
	switch {
	case !isList:
		return nil, "", misfit(errors.New("records is missing or not a list"))
	case !isCount || int64(len(records)) != count:
		return nil, "", misfit(errors.New("count is not the number of records; count what the tool returned, and let every one of them through the iterator"))
	case len(records) > mostListed:
		return nil, "", misfit(fmt.Errorf("a page has more than %d records; let the module of the tool take limit and cursor", mostListed))
	}
	if next, _, err = a.text("next"); err != nil {
		return nil, "", misfit(err)
	}
	if next == cursor && next != "" {
		return nil, "", connector.Endless()
	}
	found, err = readable(ctx, records, cursor == "" && next == "")
	return found, next, err
}

// readable are the records that can be read. The others are set aside; a page on which
// there is no other is a scenario that maps the wrong fields.
func readable(ctx context.Context, records []any, all bool) (found []shape, err error) {
	var aside []connector.Aside
	for _, v := range records {
		object, _ := v.(map[string]any)
		r, bad := answer(object).shape("id", "value")
		if bad == nil && !answer(object).has("value") {
			bad = errors.New("value is missing; map the status field, which may be empty")
		}
		if bad != nil {
			aside = append(aside, connector.Aside{ID: r.id, Problem: "a record in the scenario's list: " + bad.Error()})
			continue
		}
		found = append(found, r)
	}
	if len(found) == 0 && len(aside) > 0 && (all || len(aside) >= aFew) {
		return nil, misfit(errors.New("no record of the list can be read: " + aside[0].Problem))
	}
	for _, one := range aside {
		connector.SetAside(ctx, one)
	}
	return found, nil
}

// aFew is how many records can be dirty by chance.
const aFew = 10

// sourceList implements connector.SourceList.
type sourceList struct{ *scenario }

// List implements connector.SourceList.
func (l sourceList) List(ctx context.Context, cursor string) ([]status.SourceRecord, string, error) {
	found, next, err := l.list(ctx, cursor)
	var records []status.SourceRecord
	for _, r := range found {
		records = append(records, r.source())
	}
	return records, next, err
}

// targetList implements connector.TargetList.
type targetList struct{ *scenario }

// List implements connector.TargetList.
func (l targetList) List(ctx context.Context, cursor string) ([]status.TargetRecord, string, error) {
	found, next, err := l.list(ctx, cursor)
	var records []status.TargetRecord
	for _, r := range found {
		records = append(records, r.target())
	}
	return records, next, err
}
