package gohighlevel

import (
	"context"

	"trueup/internal/connector"
	"trueup/internal/status"
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
