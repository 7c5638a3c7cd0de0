package httpconn

import (
	"context"
	"errors"

	"trueup/internal/connector"
	"trueup/internal/status"
)

// source reads customers in the tool that decides.
type source struct{ *api }

// Read implements connector.Source.
func (s source) Read(ctx context.Context, customer string) (status.SourceRecord, error) {
	vars, err := s.readRecordOf(ctx, customer)
	if err != nil {
		return status.SourceRecord{}, err
	}
	r, err := s.record.read(vars)
	if err != nil {
		return status.SourceRecord{}, misconfigured(err)
	}
	return r.source(), s.same(customer, r.id)
}

// readRecordOf makes the read call and returns the variables of its record.
func (a *api) readRecordOf(ctx context.Context, id string) (map[string]any, error) {
	if id == "" {
		return nil, unsafeAddress(errors.New("the id is empty"))
	}
	vars, err := a.get(ctx, a.read, map[string]string{phID: id})
	if err != nil {
		return nil, err
	}
	record, err := a.readRecord.eval(vars)
	if err != nil {
		return nil, misconfigured(err)
	}
	switch record.(type) {
	case map[string]any:
		return a.withRecord(vars, record), nil
	case absent:
		return nil, misconfigured(misfit{a.readRecord.path, "the record is missing from the answer"})
	}
	return nil, misconfigured(misfit{a.readRecord.path, "the value is not a record"})
}

// same refuses the answer to another question: a wrong path, a cache or a tool
// that follows merged records would have us decide with one customer's status
// and write it to another.
func (a *api) same(asked, got string) error {
	if asked == got {
		return nil
	}
	return &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
		Detail: "the tool answered with another record; check read.get and record.id"}
}
