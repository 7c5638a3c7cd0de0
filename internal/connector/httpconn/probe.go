package httpconn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// probe checks a live account through its list, the one call that needs no id.
type probe struct{ *api }

// Probe implements connector.Probe.
func (p probe) Probe(ctx context.Context) ([]string, error) {
	said, err := p.records(ctx)
	if err != nil {
		err = withRemedy(err, "list")
		if connector.FailureOf(err).Kind == connector.Unauthorized && connector.FailureOf(err).Status != http.StatusForbidden {
			return said, err // it would be said twice
		}
	}
	options, missing := p.fieldsOptions(ctx)
	if options != "" {
		said = append(said, options)
	}
	granted, lacks := p.granted(ctx)
	if granted != "" {
		said = append(said, granted)
	}
	missing = errors.Join(missing, lacks, p.scopes(ctx))
	if err != nil && missing != nil && strings.HasPrefix(missing.Error(), err.Error()) {
		err = nil // the list needed the options, and it is said with what to do
	}
	return said, errors.Join(err, missing)
}

// records reads the first page of the list.
func (p probe) records(ctx context.Context) ([]string, error) {
	if p.list == nil {
		return []string{"nothing to probe: add list, the one call that needs no customer's id"}, nil
	}
	records, without, lacking := 0, 0, 0
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
			if p.lacksStatus(page.vars, record) {
				lacking++
			}
		}
	}
	if bad > 0 && records == 0 {
		return nil, misconfigured(firstBad)
	}
	said := []string{fmt.Sprintf("the credentials are accepted and the first page of the list has %d readable records", records)}
	if bad > 0 {
		said = append(said, fmt.Sprintf("%d more cannot be read and would be set aside; the first: %v", bad, firstBad))
	}
	switch {
	case lacking > 0 && lacking == records:
		said = append(said, "none of them has the field that record.status reads: was it renamed, or is this another account? Where the tool leaves out empty fields, "+
			"this is so until the first status is written")
	case without > 0 && without == records:
		said = append(said, fmt.Sprintf("%d of them have no status: is record.status correct, was the field renamed, or is this another account?", without))
	case without > 0:
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
