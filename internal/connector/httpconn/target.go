package httpconn

import (
	"context"

	"github.com/trueup-sync/trueup/internal/connector/rest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/strictjson"
)

// target finds, reads and writes records in the tool that follows.
type target struct{ *api }

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
	body, err := strictjson.DecodeVariants(answer.Body)
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
