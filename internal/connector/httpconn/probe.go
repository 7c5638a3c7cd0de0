package httpconn

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"trueup/internal/connector"
)

// probe checks a live account through its list, the one call that needs no id.
type probe struct{ *api }

// Probe implements connector.Probe.
func (p probe) Probe(ctx context.Context) ([]string, error) {
	if p.list == nil {
		return []string{"nothing to probe: add list, the one call that needs no customer's id"}, nil
	}
	records, without := 0, 0
	var newest, clock time.Time
	_, err := p.page(ctx, "", func(vars map[string]any, record any) error {
		r, err := p.record.read(p.withRecord(vars, record))
		if err != nil {
			return misconfigured(err)
		}
		records++
		newest = latest(newest, r.at)
		if headers, ok := vars[varHeaders].(map[string]any); ok {
			date, _ := headers["date"].(string)
			clock, _ = http.ParseTime(date)
		}
		if !r.hasValue {
			without++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	said := []string{fmt.Sprintf("the credentials are accepted and the first page of the list has %d readable records", records)}
	if without > 0 {
		said = append(said, fmt.Sprintf("%d of them have no status: is record.status correct?", without))
	}
	return append(said, connector.SayClocks(p.now(), clock, "the newest change on that page", newest)...), nil
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
