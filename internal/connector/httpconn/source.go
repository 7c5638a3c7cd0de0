package httpconn

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// source reads customers in the tool that decides.
type source struct{ *api }

// Read implements connector.Source.
func (s source) Read(ctx context.Context, customer string) (status.SourceRecord, error) {
	vars, err := s.readRecordOf(ctx, customer)
	if err != nil {
		return status.SourceRecord{}, err
	}
	if err := s.living(customer, vars); err != nil {
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
	vars, err := a.get(ctx, a.read, map[string]string{phID: id}, a.survivor(id))
	if err != nil {
		return nil, err
	}
	vars[varAsked] = id
	record, err := a.readRecord.eval(vars)
	if err != nil {
		return nil, misconfigured(err)
	}
	switch r := record.(type) {
	case map[string]any:
		vars = a.withRecord(vars, record)
		return vars, a.learn(ctx, vars)
	case absent:
		if r.noKey { // a misspelt name must not look like "deleted", of every record at once
			return nil, misconfigured(misfit{a.readRecord.path, "the record is missing from the answer"})
		}
		return nil, &connector.Failure{Kind: connector.Gone, Effect: connector.EffectNone, Detail: "the tool answers without the record that was asked for"}
	}
	return nil, misconfigured(misfit{a.readRecord.path, "the value is not a record"})
}

// living refuses a record that says it was deleted, or merged into another: a
// Failure of kind Gone that names the survivor. asked is the id it was read by.
func (a *api) living(asked string, vars map[string]any) error {
	into, err := a.record.survivor(asked, vars)
	if err != nil {
		return misconfigured(err)
	}
	switch into {
	case "":
		return nil
	case nobody:
		return &connector.Failure{Kind: connector.Gone, Effect: connector.EffectNone, Detail: "the tool reports that the record was deleted"}
	}
	return &connector.Failure{Kind: connector.Gone, Effect: connector.EffectNone, Survivor: into,
		Detail: "the tool reports that the record was merged into another"}
}

// survivor is the id in an address that differs from the one that was called in
// the id alone, "" for any other.
func (a *api) survivor(asked string) func(*url.URL) string {
	return func(to *url.URL) string {
		path := a.rest.Base.EscapedPath()
		called, ok := strings.CutPrefix(to.EscapedPath(), strings.TrimSuffix(path, "/"))
		if !ok {
			return ""
		}
		if to.RawQuery != "" {
			called += "?" + to.RawQuery
		}
		id, ok := a.read.idOf(called)
		if !ok || id == asked {
			return ""
		}
		return id
	}
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
