package httpconn

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// Find implements connector.Target. A 404 means that nobody was found: lookup
// calls answer so where a search would give an empty list. The rows of a search
// are asked for their id and their keys only: many tools shape the rest in
// another way there than in the record itself, which is read before anything is
// decided.
func (t target) Find(ctx context.Context, key, value string) ([]status.TargetRecord, error) {
	s := t.searchOf(key)
	switch {
	case len(t.find) == 0:
		return nil, misconfigured(fmt.Errorf("it has no find, so only the match key id can be used"))
	case !slices.ContainsFunc(t.record.keys, func(k keyExpression) bool { return k.name == key }):
		return nil, misconfigured(fmt.Errorf("the match key %s is not among record.keys", key))
	case s == nil:
		return nil, misconfigured(fmt.Errorf("there is no find.%s, and no find for every key", key))
	}
	vars, rows, err := t.searched(ctx, s, key, value)
	if err != nil {
		return nil, err
	}
	var found []status.TargetRecord
	for i, row := range rows {
		one := t.withRecord(vars, row)
		record, err := t.foundRecord(one)
		if err == nil {
			var merged string
			if merged, err = t.record.survivor(record.ID, one); err == nil && merged == "" { // else its survivor is who is looked for
				found = append(found, record)
			}
		}
		if err != nil {
			return nil, misconfigured(t.dirtyRecord(one, i, err))
		}
	}
	return t.told(ctx, key, value, found), nil
}

// searched makes a search and returns its rows, none where the tool answers 404.
func (a *api) searched(ctx context.Context, s *search, key, value string) (vars map[string]any, rows []any, err error) {
	answer, err := a.ask(ctx, s.call, map[string]string{phKey: key, phValue: value})
	if err != nil {
		if connector.FailureOf(err).Kind == connector.Gone {
			return nil, nil, nil
		}
		return nil, nil, err
	}
	if vars, err = variables(answer); err != nil {
		return nil, nil, err
	}
	if rows, err = s.records.list(vars); err != nil {
		return nil, nil, misconfigured(err)
	}
	return vars, rows, nil
}

// mostRead is how many of the records that a search found are read: a person
// who has to choose is shown no more.
const mostRead = 10

// told adds what the records hold where a person may have to choose among them:
// several have the value. What cannot be read is shown without.
func (t target) told(ctx context.Context, key, value string, found []status.TargetRecord) []status.TargetRecord {
	var same []int
	for i, r := range found {
		if strings.EqualFold(r.Keys[key], strings.TrimSpace(value)) {
			same = append(same, i)
		}
	}
	if len(same) < 2 {
		return found
	}
	for _, i := range same[:min(len(same), mostRead)] {
		if record, err := t.Read(ctx, found[i].ID); err == nil {
			keys := found[i].Keys
			found[i] = record
			found[i].Keys = keys
		}
	}
	return found
}

// foundRecord reads a row of a search.
func (c *compiled) foundRecord(vars map[string]any) (r status.TargetRecord, err error) {
	if r.ID, err = c.record.id.id(vars); err == nil {
		r.Keys, err = c.record.keysOf(vars)
	}
	return r, err
}
