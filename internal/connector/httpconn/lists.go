package httpconn

import (
	"context"
	"errors"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
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
	return listed(ctx, l.api, cursor, func(vars map[string]any) (status.SourceRecord, string, error) {
		r, err := l.record.read(vars)
		return r.source(), r.id, err
	})
}

// List implements connector.TargetList.
func (l targetList) List(ctx context.Context, cursor string) ([]status.TargetRecord, string, error) {
	return listed(ctx, l.api, cursor, func(vars map[string]any) (status.TargetRecord, string, error) {
		r, err := l.targetRecord(vars)
		return r, r.ID, err
	})
}

// listed reads one page. A record that does not fit the configuration is set
// aside; when none does, it is the configuration that is wrong.
func listed[T any](ctx context.Context, a *api, cursor string, read func(vars map[string]any) (T, string, error)) ([]T, string, error) {
	p, err := a.page(connector.Background(ctx), cursor, a.list.since(begins))
	if err != nil {
		return nil, "", err
	}
	if p.next != "" && p.next == cursor {
		return nil, "", connector.Endless()
	}
	var found []T
	var aside []connector.Aside
	var firstBad error
	for i, record := range p.records {
		vars := a.withRecord(p.vars, record)
		one, id, err := read(vars)
		merged := ""
		if err == nil {
			merged, err = a.record.survivor(id, vars)
		}
		switch {
		case err != nil:
			err = a.dirtyRecord(vars, i, err)
			var d dirty
			if errors.As(err, &d) {
				aside = append(aside, connector.Aside{ID: d.id, Problem: d.err.Error()})
			}
			if firstBad == nil {
				firstBad = err
			}
		case merged == "":
			found = append(found, one)
		}
	}
	if bad := len(aside); bad > 0 && bad == len(p.records) && (bad >= aFew || cursor == "" && p.next == "") {
		return nil, "", misconfigured(firstBad)
	}
	for _, one := range aside {
		connector.SetAside(ctx, one)
	}
	return found, p.next, nil
}
