package gohighlevel

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// probe implements connector.Probe.
type probe struct {
	records  *records
	settings *Settings
	use      connector.Use
	now      func() time.Time
}

// Probe implements connector.Probe: it reads one thing of each kind that the
// use needs and compares the sync's values with what the location knows. It
// writes nothing, so the scopes for writing show at the first write only.
func (p probe) Probe(ctx context.Context) ([]string, error) {
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	rows, err := p.records.page(ctx, searchBody{PageLimit: 1, Sort: newestFirst})
	if err != nil {
		return said, fmt.Errorf("search the contacts of the location: %w", err)
	}
	say("the token can read the contacts of location %s", p.settings.LocationID)
	if len(rows) > 0 {
		said = append(said, connector.SayClocks(p.now(), p.records.api.rest.Clock(), "the newest change of a contact", rows[0].DateUpdated.Time)...)
		// A search answers for the location in the body. What the token is
		// really good for, a record shows.
		if err := p.contact(ctx, rows[0].ID); err != nil {
			return said, fmt.Errorf("read a contact of the location: %w", err)
		}
	}
	if p.use.Target {
		say("HighLevel does not report who edited a contact: an edit that the last write does not explain counts as a person's, by its time")
	}
	var faults error
	switch p.records.place.kind {
	case customField:
		faults = p.customField(ctx, say)
	case tags:
		say("the status is %s; other tags are left alone", p.records.place.say())
	case opportunityStatus:
		faults = p.opportunities(ctx, say)
	}
	if p.settings.Webhook == nil && !p.use.Target {
		say("no webhook is configured: changes are found by poll only, and deletions when a contact is read")
	}
	return said, faults
}

func (p probe) contact(ctx context.Context, id string) error {
	var answer struct {
		Contact *contact `json:"contact"`
	}
	err := p.records.api.get(ctx, readContact, "/contacts/"+url.PathEscape(id), nil, &answer)
	if err != nil && connector.FailureOf(err).Kind == connector.Gone {
		return nil // the search lags behind its deletion
	}
	return err
}

// customField checks that the field exists, holds one of a list, and knows
// each value of the sync.
func (p probe) customField(ctx context.Context, say func(string, ...any)) error {
	f, err := p.records.fields.find(ctx, p.records.place.field)
	if err != nil {
		return err
	}
	if err := f.single(); err != nil {
		if p.use.Target {
			return err
		}
		say("the field %q is of the type %s, which holds any text: a word that is not listed becomes an exception", f.Name, f.Type)
		return nil
	}
	say("the status is the field %q (%s); %s", f.Name, strings.TrimPrefix(f.Key, contactPrefix), f.listed())
	return p.missing(fmt.Sprintf("option of the field %q", f.Name), f.listed(), f.has)
}

// missing reports the values to be written that the location does not know. A
// source may list words of old: contacts keep an option that was renamed.
func (p probe) missing(what, listed string, known func(string) bool) error {
	var bad []string
	for _, value := range p.use.Values {
		if quoted := fmt.Sprintf("%q", value); p.use.Target && !known(value) && !slices.Contains(bad, quoted) {
			bad = append(bad, quoted)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	verb := "is no"
	if len(bad) > 1 {
		verb = "are each no"
	}
	return fmt.Errorf("%s %s %s: %s (case matters); correct statuses of the sync, or add it in the sub-account", strings.Join(bad, ", "), verb, what, listed)
}

func (p probe) opportunities(ctx context.Context, say func(string, ...any)) error {
	if p.settings.Pipeline != "" {
		all, err := p.records.pipelines.Get(ctx, fieldsAgain)
		if err != nil {
			return err
		}
		if _, err := pickPipeline(all, p.settings.Pipeline); err != nil {
			return err
		}
	}
	query := url.Values{"location_id": {p.settings.LocationID}, "limit": {"1"}}
	var answer struct {
		Opportunities *[]opportunity `json:"opportunities"`
	}
	if err := p.records.api.get(ctx, searchOpportunities, "/opportunities/search", query, &answer); err != nil {
		return err
	}
	if answer.Opportunities == nil {
		return unexpected(searchOpportunities, "lists none", false)
	}
	say("the status is %s", p.records.place.say())
	return nil
}
