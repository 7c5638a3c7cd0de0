package httpconn

import (
	"context"
	"fmt"
	"slices"

	"trueup/internal/connector"
	"trueup/internal/connector/rest"
	"trueup/internal/status"
	"trueup/internal/strictjson"
)

// target finds, reads and writes records in the tool that follows.
type target struct{ *api }

// Find implements connector.Target. A 404 means that nobody was found: lookup
// calls answer so where a search would give an empty list.
func (t target) Find(ctx context.Context, key, value string) ([]status.TargetRecord, error) {
	switch {
	case t.find == nil:
		return nil, misconfigured(fmt.Errorf("it has no find, so only the match key id can be used"))
	case !slices.ContainsFunc(t.record.keys, func(k keyExpression) bool { return k.name == key }):
		return nil, misconfigured(fmt.Errorf("the match key %s is not among record.keys", key))
	}
	vars, err := t.get(ctx, t.find, map[string]string{phKey: key, phValue: value}, nil)
	if err != nil {
		if connector.FailureOf(err).Kind == connector.Gone {
			return nil, nil
		}
		return nil, err
	}
	records, err := t.findRecords.list(vars)
	if err != nil {
		return nil, misconfigured(err)
	}
	var found []status.TargetRecord
	for _, r := range records {
		one := t.withRecord(vars, r)
		record, err := t.targetRecord(one)
		if err != nil {
			return nil, misconfigured(err)
		}
		merged, err := t.record.survivor(record.ID, one)
		if err != nil {
			return nil, misconfigured(err)
		}
		if merged == "" { // else its survivor is who is looked for
			found = append(found, record)
		}
	}
	return found, nil
}

// Read implements connector.Target.
func (t target) Read(ctx context.Context, id string) (status.TargetRecord, error) {
	vars, err := t.readRecordOf(ctx, id)
	if err != nil {
		return status.TargetRecord{}, err
	}
	if err := t.living(id, vars); err != nil {
		return status.TargetRecord{}, err
	}
	r, err := t.targetRecord(vars)
	if err != nil {
		return status.TargetRecord{}, misconfigured(err)
	}
	return r, t.same(id, r.ID)
}

// shown is the record in the answer to a write, nil where write.record is not
// given or the answer has no body.
func (t target) shown(id string, answer rest.Response) (*status.TargetRecord, error) {
	if t.write.record == nil || len(answer.Body) == 0 {
		return nil, nil
	}
	body, err := strictjson.Decode(answer.Body)
	if err != nil {
		return nil, err
	}
	vars := map[string]any{varBody: body, varHeaders: headersOf(answer.Header), varAsked: id}
	record, err := t.write.record.eval(vars)
	if err != nil {
		return nil, err
	}
	if _, none := record.(absent); none {
		return nil, misfit{t.write.record.path, "the answer to the write has no such record"}
	}
	r, err := t.targetRecord(t.withRecord(vars, record))
	if err != nil {
		return nil, err
	}
	if r.ID != id {
		return nil, misfit{t.write.record.path, "the record in the answer to the write is not the one that was written"}
	}
	return &r, nil
}
