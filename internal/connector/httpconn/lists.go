package httpconn

import (
	"context"

	"trueup/internal/connector"
	"trueup/internal/status"
)

// sourceList and targetList go through the list of all records, a page a call.
// The cursor is the tool's own. A record that was merged into another is none of
// the list's any more.
type (
	sourceList struct{ *api }
	targetList struct{ *api }
)

// List implements connector.SourceList.
func (l sourceList) List(ctx context.Context, cursor string) ([]status.SourceRecord, string, error) {
	var found []status.SourceRecord
	next, err := l.listed(ctx, cursor, func(vars map[string]any) error {
		r, err := l.record.read(vars)
		if err != nil {
			return err
		}
		merged, err := l.record.survivor(r.id, vars)
		if merged == "" {
			found = append(found, r.source())
		}
		return err
	})
	return found, next, err
}

// List implements connector.TargetList.
func (l targetList) List(ctx context.Context, cursor string) ([]status.TargetRecord, string, error) {
	var found []status.TargetRecord
	next, err := l.listed(ctx, cursor, func(vars map[string]any) error {
		r, err := l.targetRecord(vars)
		if err != nil {
			return err
		}
		merged, err := l.record.survivor(r.ID, vars)
		if merged == "" {
			found = append(found, r)
		}
		return err
	})
	return found, next, err
}

// listed reads one page. A record that does not fit the configuration is the
// whole list's failure: nobody could say what is missing.
func (a *api) listed(ctx context.Context, cursor string, each func(vars map[string]any) error) (next string, err error) {
	next, err = a.page(connector.Background(ctx), cursor, func(vars map[string]any, record any) error {
		if err := each(a.withRecord(vars, record)); err != nil {
			return misconfigured(err)
		}
		return nil
	})
	if err == nil && next != "" && next == cursor {
		err = misconfigured(misfit{a.listNext.path, "the list gave the same cursor twice and would never end"})
	}
	return next, err
}
