package gohighlevel

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
)

// kind is one of the ways in which a contact's status is kept.
type kind int

const (
	nowhere kind = iota // a connection that only receives
	customField
	tags
	opportunityStatus
)

// The fields of a sync that are no custom fields.
const (
	fieldTags        = "tags"
	fieldOpportunity = "opportunity.status"
)

// place is where the status of a contact is kept.
type place struct {
	kind kind
	// field is a custom field's key, name or id.
	field string
	// words are the sync's words by the tag that stands for each, in lower
	// case as HighLevel keeps tags.
	words map[string]string
	// empty says that the sync lists the empty value as a word.
	empty bool
	// pipeline narrows down the opportunities, "" does not.
	pipeline string
}

// between joins the values of a contact that has several statuses at once. No
// option, tag or status of HighLevel's holds it by accident, and nobody maps
// what it makes.
const between = " + "

// placeOf reads a sync's field. The zero use is a connection that only
// receives.
func placeOf(use connector.Use, pipeline string) (place, error) {
	p := place{field: use.Field, pipeline: pipeline, empty: slices.Contains(use.Values, "")}
	switch {
	case use.Field == "" && len(use.Values) == 0 && !use.Target:
		return place{}, nil
	case use.Field == "":
		return place{}, errors.New(noField)
	case use.Field == fieldTags:
		p.kind, p.words = tags, map[string]string{}
		for _, word := range use.Values {
			tag := tagOf(word)
			if other, taken := p.words[tag]; taken && other != word {
				return place{}, fmt.Errorf("the words %q and %q of a sync with the field tags are the same tag: HighLevel stores tags in lower case", other, word)
			}
			if tag != "" {
				p.words[tag] = word
			}
		}
	case use.Field == fieldOpportunity:
		p.kind = opportunityStatus
	default:
		p.kind = customField
	}
	return p, nil
}

const noField = "the sync does not set where GoHighLevel stores the status; write field: customer_status for a dropdown custom field, field: tags, or field: opportunity.status"

// tagOf is the form in which HighLevel keeps a tag.
func tagOf(word string) string { return strings.ToLower(strings.TrimSpace(word)) }

// statusTags returns which of a contact's tags are statuses, each once, in
// order.
func (p place) statusTags(all []string) []string {
	var found []string
	for _, tag := range all {
		if t := tagOf(tag); p.words[t] != "" && !slices.Contains(found, t) {
			found = append(found, t)
		}
	}
	slices.Sort(found)
	return found
}

// taggedValue is the value of a contact with these tags (invariant 5).
func (p place) taggedValue(all []string) string {
	var words []string
	for _, tag := range p.statusTags(all) {
		words = append(words, p.words[tag])
	}
	return strings.Join(words, between)
}

// opportunityWords are all the statuses an opportunity can have.
func opportunityWords() []string { return []string{"open", "won", "lost", "abandoned"} }

// say describes the place for people.
func (p place) say() string {
	switch p.kind {
	case tags:
		return "one of the tags " + strings.Join(slices.Sorted(maps.Keys(p.words)), ", ")
	case opportunityStatus:
		return "the status of the contact's opportunity"
	}
	return "the custom field " + p.field
}
