package gohighlevel

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// contactPrefix begins the key of a contact's custom field.
const contactPrefix = "contact."

const (
	// fieldsAge is how long the location's custom fields are remembered. A
	// customer renames an option in the middle of a day, and a write of the
	// old name would be stored and shown as nothing.
	fieldsAge = 5 * time.Minute
	// fieldsAgain bounds how often a field or an option that is not there makes
	// us look anew.
	fieldsAgain = 10 * time.Second
)

// field is one custom field of the location's contacts.
type field struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Key is such as contact.customer_status.
	Key     string    `json:"fieldKey"`
	Type    string    `json:"dataType"`
	Model   string    `json:"model"`
	Options []pickOne `json:"picklistOptions"`
}

// pickOne is one option of a dropdown: a text, or an object whose key is what
// is written.
type pickOne string

// UnmarshalJSON implements json.Unmarshaler.
func (o *pickOne) UnmarshalJSON(text []byte) error {
	var label string
	if json.Unmarshal(text, &label) == nil {
		*o = pickOne(label)
		return nil
	}
	var object struct {
		Key   string `json:"key"`
		Label string `json:"label"`
	}
	if err := json.Unmarshal(text, &object); err != nil {
		return err
	}
	*o = pickOne(or(object.Key, object.Label))
	return nil
}

// oneOf reports whether the field holds one of a list of options.
func (f field) oneOf() bool { return f.Type == "SINGLE_OPTIONS" || f.Type == "RADIO" }

func (f field) has(value string) bool { return slices.Contains(f.Options, pickOne(value)) }

// listed names the options for people.
func (f field) listed() string {
	if len(f.Options) == 0 {
		return "it has none"
	}
	texts := make([]string, len(f.Options))
	for i, o := range f.Options {
		texts[i] = fmt.Sprintf("%q", string(o))
	}
	return "its options are " + strings.Join(texts, ", ")
}

// fields are the custom fields of the location's contacts.
type fields struct {
	*connector.Remembered[[]field]
	location string
}

func newFields(api *client, now func() time.Time) *fields {
	return &fields{location: api.location, Remembered: connector.Remember(now, api.contactFields)}
}

// contactFields asks for the location's custom fields of contacts.
func (c *client) contactFields(ctx context.Context) ([]field, error) {
	var answer struct {
		CustomFields *[]field `json:"customFields"`
	}
	// Without model HighLevel lists those of contacts only; that is written
	// out, because it is nowhere promised.
	path := "/locations/" + url.PathEscape(c.location) + "/customFields"
	if err := c.get(ctx, listFields, path, url.Values{"model": {"contact"}}, &answer); err != nil {
		return nil, err
	}
	if answer.CustomFields == nil {
		return nil, unexpected(listFields, "lists none", false)
	}
	return slices.DeleteFunc(*answer.CustomFields, func(one field) bool {
		return one.ID == "" || one.Model != "" && one.Model != "contact"
	}), nil
}

// places implements connector.Fields.
type places struct{ of *fields }

// Fields implements connector.Fields: the fields that hold one of a list, and what is
// no custom field.
func (p places) Fields(ctx context.Context) ([]connector.Field, error) {
	list, err := p.of.Get(ctx, fieldsAgain)
	if err != nil {
		return nil, err
	}
	var all []connector.Field
	for _, f := range list {
		if !f.oneOf() {
			continue
		}
		one := connector.Field{Name: strings.TrimPrefix(f.Key, contactPrefix), Label: f.Name, Options: []string{}}
		for _, option := range f.Options {
			one.Options = append(one.Options, string(option))
		}
		all = append(all, one)
	}
	return append(all, connector.Field{Name: fieldTags, Label: "Tags"},
		connector.Field{Name: fieldOpportunity, Label: "Opportunity status", Options: opportunityWords()}), nil
}

// find returns the field that a sync names by its id, its key or its name. One
// that is not there may have been made since the last look.
func (f *fields) find(ctx context.Context, ref string) (field, error) {
	for _, age := range []time.Duration{fieldsAge, fieldsAgain} {
		list, err := f.Get(ctx, age)
		if err != nil {
			return field{}, err
		}
		if found, err := pick(list, ref); err != nil || found.ID != "" {
			return found, err
		}
	}
	return field{}, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
		Detail: fmt.Sprintf("the location %s has no contact field %q; create it in the sub-account under Settings, Custom Fields (object Contact, type Dropdown), or correct the sync's field", f.location, ref)}
}

// pick returns the field of a reference, none when there is none. Names need
// not be unique, ids and keys are.
func pick(list []field, ref string) (field, error) {
	for _, f := range list {
		if f.ID == ref || f.Key == ref || f.Key == contactPrefix+ref {
			return f, nil
		}
	}
	var named []field
	for _, f := range list {
		if f.Name == ref {
			named = append(named, f)
		}
	}
	switch len(named) {
	case 0:
		return field{}, nil
	case 1:
		return named[0], nil
	}
	return field{}, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
		Detail: fmt.Sprintf("%d contact fields are called %q; name the one that holds the status by its key, such as %s", len(named), ref, strings.TrimPrefix(named[0].Key, contactPrefix))}
}

// writable returns the status field, after the value was found among its
// options (invariant 3).
func (f *fields) writable(ctx context.Context, ref, value string) (field, error) {
	found, err := f.find(ctx, ref)
	if err != nil {
		return field{}, err
	}
	if err := found.single(); err != nil {
		return field{}, err
	}
	if found.has(value) {
		return found, nil
	}
	if _, err := f.Get(ctx, fieldsAgain); err != nil {
		return field{}, err
	}
	if found, err = f.find(ctx, ref); err != nil || found.has(value) {
		return found, err
	}
	return field{}, &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone,
		Detail: fmt.Sprintf("%q is not an option of the field %q, and HighLevel would store it without an error: %s (case matters)", value, found.Name, found.listed())}
}

// single refuses a field that can hold anything but one of a list.
func (f field) single() error {
	if f.oneOf() {
		return nil
	}
	return &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
		Detail: fmt.Sprintf("the field %q is of the type %s; a status needs a Dropdown (single) or Radio field, and a field's type cannot be changed: create a new one", f.Name, f.Type)}
}
