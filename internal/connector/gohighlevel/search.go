package gohighlevel

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"unicode/utf8"

	"github.com/trueup-sync/trueup/internal/connector"
)

// searchBody is the body of POST /contacts/search. Its specification leaves it
// empty; the shape is that of the page on searching contacts that it names.
type searchBody struct {
	LocationID  string          `json:"locationId"`
	PageLimit   int             `json:"pageLimit"`
	Filters     []filter        `json:"filters,omitempty"`
	Sort        []sorting       `json:"sort,omitempty"`
	SearchAfter json.RawMessage `json:"searchAfter,omitempty"`
}

type filter struct {
	Field    string `json:"field"`
	Operator string `json:"operator"`
	Value    any    `json:"value,omitempty"`
}

// within is the value of a filter whose operator is range.
type within struct {
	From string `json:"gte,omitempty"`
	To   string `json:"lte,omitempty"`
}

type sorting struct {
	Field     string `json:"field"`
	Direction string `json:"direction"`
}

// oldestFirst is the order in which contacts are gone through: one that changes
// meanwhile moves to the end and comes twice, and is never missed.
var oldestFirst = []sorting{{"dateUpdated", "asc"}}

// newestFirst is for the newest alone.
var newestFirst = []sorting{{"dateUpdated", "desc"}}

const (
	// pageSize is how many contacts one page of a list holds; HighLevel gives
	// up to 500.
	pageSize = 100
	// mostFound is how many hits of a search are read by their ids. Of more,
	// one too many is among them in any case.
	mostFound = 10
	// longestFilter is the longest value that a filter takes, in characters.
	longestFilter = 75
)

// page asks for one page of contacts.
func (r *records) page(ctx context.Context, body searchBody) ([]contact, error) {
	body.LocationID = r.api.location
	var answer struct {
		Contacts *[]contact `json:"contacts"`
	}
	if err := r.api.search(ctx, searchContacts, "/contacts/search", body, &answer); err != nil {
		return nil, err
	}
	if answer.Contacts == nil {
		return nil, unexpected(searchContacts, "lists none", false)
	}
	for _, c := range *answer.Contacts {
		if !plausibleID(c.ID) {
			return nil, unexpected(searchContacts, "lists one without an id", false)
		}
		if c.LocationID != "" && c.LocationID != r.api.location {
			return nil, unexpected(searchContacts, "has one of another location", false)
		}
	}
	return *answer.Contacts, nil
}

// find returns the contacts whose key has the value, read by their ids
// (invariant 4): the search can still hold what they were, or that they were.
func (r *records) find(ctx context.Context, key, value string) ([]record, error) {
	hits, err := r.hits(ctx, key, value)
	if err != nil {
		return nil, err
	}
	var found []record
	for _, id := range hits {
		one, err := r.read(ctx, id)
		if err != nil && connector.FailureOf(err).Kind == connector.Gone {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, nil
}

// hits returns the ids of the contacts that may have the key's value.
func (r *records) hits(ctx context.Context, key, value string) ([]string, error) {
	switch key {
	case "id":
		return []string{value}, nil
	case "opportunity_id":
		return r.hitByOpportunity(ctx, value)
	}
	filterField, err := r.filterOf(ctx, key)
	if err != nil {
		return nil, err
	}
	var ids []string
	if utf8.RuneCountInString(value) <= longestFilter {
		rows, err := r.page(ctx, searchBody{PageLimit: mostFound, Filters: []filter{{filterField, "eq", value}}})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			ids = append(ids, row.ID)
		}
	}
	switch {
	case isMoreEmail(key):
		// It is nowhere said that the filter looks at a contact's further
		// addresses. The check for duplicates does, so it is asked in any case;
		// whoever has the value elsewhere is sorted out by the key.
		more, err := r.duplicate(ctx, "email", value)
		for _, id := range more {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		return ids, err
	case len(ids) == 0 && (key == "email" || key == "phone"):
		return r.duplicate(ctx, key, value)
	}
	return ids, nil
}

// filterOf is what the search calls a key.
func (r *records) filterOf(ctx context.Context, key string) (string, error) {
	switch key {
	case "email", "phone":
		return key, nil
	case "name":
		return "contactName", nil
	case "company_name":
		return "companyName", nil
	}
	if isMoreEmail(key) {
		return "email", nil
	}
	f, err := r.fields.find(ctx, key)
	if err != nil {
		f := *connector.FailureOf(err)
		if f.Kind == connector.Misconfigured && f.Status == 0 {
			f.Detail = fmt.Sprintf("a match rule names the target key %q, which is neither id, email, additional_email, phone, name, company_name, opportunity_id nor the key of a contact field of this location", key)
		}
		return "", &f
	}
	return "customFields." + f.ID, nil
}

// duplicate asks for the contact that a new one with this address would be a
// duplicate of. HighLevel names one at most; it is asked when the search, which
// lags, knows none.
func (r *records) duplicate(ctx context.Context, key, value string) ([]string, error) {
	query := url.Values{"locationId": {r.api.location}}
	if key == "phone" {
		query.Set("number", value)
	} else {
		query.Set("email", value)
	}
	var answer struct {
		Contact *contact `json:"contact"`
	}
	if err := r.api.get(ctx, searchContacts, "/contacts/search/duplicate", query, &answer); err != nil {
		return nil, err
	}
	if answer.Contact == nil || answer.Contact.ID == "" {
		return nil, nil
	}
	return []string{answer.Contact.ID}, nil
}

func (r *records) hitByOpportunity(ctx context.Context, id string) ([]string, error) {
	if !plausibleID(id) {
		return nil, nil
	}
	o, err := r.opportunity(ctx, id)
	switch {
	case err != nil && connector.FailureOf(err).Kind == connector.Gone:
		return nil, nil
	case err != nil:
		return nil, err
	case o.ContactID == "":
		return nil, nil
	}
	return []string{o.ContactID}, nil
}

// list returns one page of all contacts as the search has them, and the cursor
// of the next.
func (r *records) list(ctx context.Context, cursor string) (found []record, next string, err error) {
	body := searchBody{PageLimit: pageSize, Sort: oldestFirst}
	if cursor != "" {
		if !json.Valid([]byte(cursor)) {
			return nil, "", &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Detail: "the stored position in the list of contacts cannot be read"}
		}
		body.SearchAfter = json.RawMessage(cursor)
	}
	pipeline, err := r.pipelineID(ctx)
	if err != nil {
		return nil, "", err
	}
	rows, err := r.page(ctx, body)
	if err != nil {
		return nil, "", err
	}
	for _, row := range rows {
		row.Opportunities = slices.DeleteFunc(row.Opportunities, func(o opportunity) bool {
			return pipeline != "" && o.PipelineID != pipeline
		})
		one, err := r.of(ctx, row)
		if err != nil {
			return nil, "", err
		}
		found = append(found, one)
	}
	next, err = after(rows, string(body.SearchAfter))
	return found, next, err
}

// after returns where the page after these rows begins, "" when they are the
// last. A place that does not move on would be asked for without end.
func after(rows []contact, before string) (string, error) {
	if len(rows) < pageSize {
		return "", nil
	}
	next := string(rows[len(rows)-1].SearchAfter)
	if next == "" || next == "null" || next == before {
		return "", unexpected(searchContacts, "does not show where its next page begins", false)
	}
	return next, nil
}
