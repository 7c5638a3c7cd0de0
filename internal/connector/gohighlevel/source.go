package gohighlevel

import (
	"context"

	"github.com/trueup-sync/trueup/internal/status"
)

// source implements connector.Source.
type source struct{ all *records }

// Read implements connector.Source.
func (s source) Read(ctx context.Context, id string) (status.SourceRecord, error) {
	r, err := s.all.read(ctx, id)
	if err != nil {
		return status.SourceRecord{}, err
	}
	return r.source(s.all.place), nil
}
