package gohighlevel

import (
	"context"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// sourceList implements connector.SourceList, with what the search knows.
type sourceList struct{ all *records }

// List implements connector.SourceList.
func (l sourceList) List(ctx context.Context, cursor string) ([]status.SourceRecord, string, error) {
	found, next, err := l.all.list(connector.Background(ctx), cursor)
	if err != nil {
		return nil, "", err
	}
	records := make([]status.SourceRecord, len(found))
	for i, r := range found {
		records[i] = r.source(l.all.place)
	}
	return records, next, nil
}

// options implements connector.Options for a dropdown.
type options struct{ all *records }

// Options implements connector.Options.
func (o options) Options(ctx context.Context) ([]string, error) {
	if _, err := o.all.fields.Get(ctx, fieldsAgain); err != nil {
		return nil, err
	}
	found, err := o.all.fields.find(ctx, o.all.place.field)
	if err == nil {
		err = found.single()
	}
	if err != nil {
		return nil, err
	}
	values := make([]string, len(found.Options))
	for i, value := range found.Options {
		values[i] = string(value)
	}
	return values, nil
}

// targetList implements connector.TargetList, in the same way.
type targetList struct{ all *records }

// List implements connector.TargetList.
func (l targetList) List(ctx context.Context, cursor string) ([]status.TargetRecord, string, error) {
	found, next, err := l.all.list(connector.Background(ctx), cursor)
	if err != nil {
		return nil, "", err
	}
	records := make([]status.TargetRecord, len(found))
	for i, r := range found {
		records[i] = r.target()
	}
	return records, next, nil
}
