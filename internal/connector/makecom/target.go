package makecom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// target finds, reads and writes records of the tool behind a scenario.
type target struct{ *scenario }

// maxFound bounds how many records of one search are read: two are ambiguous
// already, and each costs the customer's credits.
const maxFound = 10

// Find implements connector.Target. A scenario answers only ids; each record is
// then read, because a list of free texts cannot be pasted together in Make.
func (t target) Find(ctx context.Context, key, value string) ([]status.TargetRecord, error) {
	a, err := t.ask(ctx, OpFind, map[string]any{keyKey: key, keyValue: value})
	if err != nil {
		if f := connector.FailureOf(err); f.Kind == connector.Gone {
			return nil, nil // a search that answers so where another gives an empty list
		}
		return nil, err
	}
	ids, err := a.found()
	if err != nil {
		return nil, misfit(err)
	}
	var records []status.TargetRecord
	for _, id := range ids {
		r, err := t.Read(ctx, id)
		switch {
		case err == nil:
			records = append(records, r)
		case connector.FailureOf(err).Kind != connector.Gone:
			return nil, err
		}
	}
	return records, nil
}

// found reads the ids of a search, each once. The count proves that none is
// missing: a search module in Make gives one bundle for each record, and the
// first one would answer for them all.
func (a answer) found() ([]string, error) {
	count, ok := a["count"].(int64)
	if !ok || count < 0 {
		return nil, errors.New("count, the number of records that were found, is missing or not a whole number")
	}
	joined, _, err := a.text("ids")
	if err != nil {
		return nil, err
	}
	var ids []string
	if joined != "" {
		ids = strings.Split(joined, ",")
	}
	if int64(len(ids)) != count {
		return nil, fmt.Errorf("it counts %d records and names %d ids; if a module returns one bundle for each record, put an aggregator behind it", count, len(ids))
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) > maxFound {
		return nil, fmt.Errorf("the search found more than %d records; make it exact", maxFound)
	}
	for _, id := range ids {
		if !plausibleID(id) {
			return nil, errors.New("one of the ids is empty, too long, or contains a control character")
		}
	}
	return ids, nil
}

// Read implements connector.Target.
func (t target) Read(ctx context.Context, id string) (status.TargetRecord, error) {
	r, err := t.read(ctx, id)
	if err != nil {
		return status.TargetRecord{}, err
	}
	return r.target(), nil
}

func (s shape) target() status.TargetRecord {
	return status.TargetRecord{ID: s.id, Value: s.value, EditedAt: s.changedAt, Actor: actorOf(s.changedBy), By: s.changedBy, Keys: s.keys}
}

// actorOf reads changed_by. Who is not told apart counts as nobody known, which
// the decision takes for a person.
func actorOf(word string) status.Actor {
	switch word {
	case "person":
		return status.ActorHuman
	case "automation":
		return status.ActorAutomation
	case "trueup":
		return status.ActorUs
	}
	return status.ActorUnknown
}

// Write implements connector.Target.
func (t target) Write(ctx context.Context, record status.TargetRecord, value string) (*status.TargetRecord, error) {
	if !plausibleID(record.ID) {
		return nil, &connector.Failure{Kind: connector.Gone, Effect: connector.EffectNone, Detail: "no record behind Make can have this id"}
	}
	a, err := t.ask(ctx, OpWrite, map[string]any{keyID: record.ID, keyIDURL: percent(record.ID),
		keyStatus: value, keyStatusJSON: quoted(value), keyPrevious: record.Value})
	if err != nil {
		return nil, err
	}
	said, there, err := a.text("value")
	switch {
	case err != nil:
		return nil, unproved(true, 0, connector.Misconfigured, "the record in the scenario's answer cannot be read: "+err.Error())
	case !there:
		return nil, nil
	}
	return &status.TargetRecord{ID: record.ID, Value: said}, nil
}
