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
	page, err := p.page(ctx, "", p.list.since(begins))
	if err != nil {
		return nil, err
	}
	if headers, ok := page.vars[varHeaders].(map[string]any); ok {
		date, _ := headers["date"].(string)
		clock, _ = http.ParseTime(date)
	}
	var firstBad error
	bad := 0
	for i, record := range page.records {
		r, err := p.listedRecord(page.vars, record, i)
		if err != nil {
			if bad++; firstBad == nil {
				firstBad = err
			}
			continue
		}
		records++
		newest = latest(newest, r.at)
		if !r.hasValue {
			without++
		}
	}
	if bad > 0 && records == 0 {
		return nil, misconfigured(firstBad)
	}
	said := []string{fmt.Sprintf("the credentials are accepted and the first page of the list has %d readable records", records)}
	if bad > 0 {
		said = append(said, fmt.Sprintf("%d more cannot be read and would be set aside; the first: %v", bad, firstBad))
	}
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
