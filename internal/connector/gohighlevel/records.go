package gohighlevel

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// records reads contacts with the status that a sync keeps in them.
type records struct {
	api       *client
	place     place
	fields    *fields
	pipelines *connector.Remembered[[]pipeline]
}

// record is a contact as it is now.
type record struct {
	contact contact
	// value is the status, "" for none.
	value string
	// at is when the status itself changed, where HighLevel keeps that time.
	at time.Time
	// opportunity is the one whose status it is.
	opportunity string
	keys        map[string]string
}

// read reads a contact by its id, which shows every earlier write.
func (r *records) read(ctx context.Context, id string) (record, error) {
	if !plausibleID(id) {
		return record{}, &connector.Failure{Kind: connector.Gone, Effect: connector.EffectNone, Detail: "no HighLevel contact can have this id"}
	}
	var answer struct {
		Contact *contact `json:"contact"`
	}
	if err := r.api.get(ctx, readContact, "/contacts/"+url.PathEscape(id), nil, &answer); err != nil {
		return record{}, err
	}
	c := answer.Contact
	switch {
	case c == nil || c.ID == "":
		return record{}, unexpected(readContact, "has no contact", false)
	case c.ID != id || c.Deleted:
		return record{}, &connector.Failure{Kind: connector.Gone, Effect: connector.EffectNone,
			Detail: "HighLevel no longer has this record: the contact was deleted, or merged into another"}
	case c.LocationID != "" && c.LocationID != r.api.location:
		return record{}, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
			Detail: fmt.Sprintf("the contact belongs to a location other than %s; correct location_id, or the link", r.api.location)}
	}
	if r.place.kind == opportunityStatus {
		all, err := r.opportunitiesOf(ctx, id)
		if err != nil {
			return record{}, err
		}
		c.Opportunities = all
	}
	return r.of(ctx, *c)
}

// of gives a contact its status and its keys. Its opportunities, where they
// matter, are in it.
func (r *records) of(ctx context.Context, c contact) (record, error) {
	known, err := r.fields.Get(ctx, fieldsAge)
	if err != nil {
		return record{}, err
	}
	out := record{contact: c}
	switch r.place.kind {
	case customField:
		f, err := r.fields.find(ctx, r.place.field)
		if err != nil {
			return record{}, err
		}
		out.value = c.field(f.ID)
	case tags:
		out.value = r.place.taggedValue(c.Tags)
	case opportunityStatus:
		out.value = joined(c.Opportunities)
		if len(c.Opportunities) == 1 {
			out.opportunity, out.at = c.Opportunities[0].ID, c.Opportunities[0].StatusAt.Time
		}
	}
	out.keys = c.keys(known, out.opportunity)
	return out, nil
}

// source is the record for the side that decides.
func (r record) source(p place) status.SourceRecord {
	return status.SourceRecord{ID: r.contact.ID, Value: r.value, NoStatus: r.value == "" && !p.empty,
		ValueAt: r.at, UpdatedAt: r.contact.DateUpdated.Time, Keys: r.keys}
}

// target is the record for the side that follows. Who edited last is nowhere
// told (createdBy is who made the contact), so any edit may be a person's.
func (r record) target() status.TargetRecord {
	t := status.TargetRecord{ID: r.contact.ID, Value: r.value, EditedAt: r.contact.DateUpdated.Time, Keys: r.keys}
	if !r.at.IsZero() {
		t.EditedAt, t.FieldTime = r.at, true
	}
	return t
}

// opportunity is what is read of an opportunity.
type opportunity struct {
	ID         string `json:"id"`
	Status     string `json:"status"`
	ContactID  string `json:"contactId"`
	PipelineID string `json:"pipelineId"`
	StatusAt   moment `json:"lastStatusChangeAt"`
}

// mostOpportunities is one page; a contact with more has several in any case.
const mostOpportunities = 100

// opportunitiesOf returns the contact's opportunities in the pipeline. Which
// they are is found by a search; the status of a single one is read by its id,
// which does not lag.
func (r *records) opportunitiesOf(ctx context.Context, contact string) ([]opportunity, error) {
	query := url.Values{"location_id": {r.api.location}, "contact_id": {contact}, "limit": {fmt.Sprint(mostOpportunities)}}
	pipeline, err := r.pipelineID(ctx)
	if err != nil {
		return nil, err
	}
	if pipeline != "" {
		query.Set("pipeline_id", pipeline)
	}
	var answer struct {
		Opportunities *[]opportunity `json:"opportunities"`
	}
	if err := r.api.get(ctx, searchOpportunities, "/opportunities/search", query, &answer); err != nil {
		return nil, err
	}
	if answer.Opportunities == nil {
		return nil, unexpected(searchOpportunities, "lists none", false)
	}
	var all []opportunity
	for _, o := range *answer.Opportunities {
		if !plausibleID(o.ID) || o.ContactID != "" && o.ContactID != contact {
			return nil, unexpected(searchOpportunities, "has one of another contact", false)
		}
		if pipeline == "" || o.PipelineID == "" || o.PipelineID == pipeline {
			all = append(all, o)
		}
	}
	if len(all) != 1 {
		return all, nil
	}
	one, err := r.opportunity(ctx, all[0].ID)
	if err != nil {
		if connector.FailureOf(err).Kind == connector.Gone {
			return nil, nil // deleted, and still in the search
		}
		return nil, err
	}
	if one.ContactID != contact || pipeline != "" && one.PipelineID != pipeline {
		return nil, nil // moved, and the search does not know yet
	}
	return []opportunity{one}, nil
}

func (r *records) opportunity(ctx context.Context, id string) (opportunity, error) {
	var answer struct {
		Opportunity *opportunity `json:"opportunity"`
	}
	if err := r.api.get(ctx, readOpportunity, "/opportunities/"+url.PathEscape(id), nil, &answer); err != nil {
		return opportunity{}, err
	}
	if answer.Opportunity == nil || answer.Opportunity.ID != id || answer.Opportunity.Status == "" {
		return opportunity{}, unexpected(readOpportunity, "has no opportunity with a status", false)
	}
	return *answer.Opportunity, nil
}

// joined is the value of a contact with these opportunities (invariant 5).
func joined(all []opportunity) string {
	var words []string
	for _, o := range all {
		words = append(words, o.Status)
	}
	slices.Sort(words)
	return strings.Join(words, between)
}

// pipelineID returns the id of the pipeline that is configured, "" for any.
func (r *records) pipelineID(ctx context.Context) (string, error) {
	ref := r.place.pipeline
	if ref == "" || r.place.kind != opportunityStatus {
		return "", nil
	}
	all, err := r.pipelines.Get(ctx, fieldsAge)
	if err != nil {
		return "", err
	}
	if id, err := pickPipeline(all, ref); err == nil {
		return id, nil
	}
	if all, err = r.pipelines.Get(ctx, fieldsAgain); err != nil {
		return "", err
	}
	return pickPipeline(all, ref)
}
