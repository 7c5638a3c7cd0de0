package gohighlevel

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// target implements connector.Target.
type target struct{ all *records }

// Find implements connector.Target.
func (t target) Find(ctx context.Context, key, value string) ([]status.TargetRecord, error) {
	found, err := t.all.find(ctx, key, value)
	if err != nil {
		return nil, err
	}
	var records []status.TargetRecord
	for _, r := range found {
		records = append(records, r.target())
	}
	return records, nil
}

// Read implements connector.Target.
func (t target) Read(ctx context.Context, id string) (status.TargetRecord, error) {
	r, err := t.all.read(ctx, id)
	if err != nil {
		return status.TargetRecord{}, err
	}
	return r.target(), nil
}

// Write implements connector.Target. HighLevel has no conditional write: an
// edit between the read and this is not seen.
func (t target) Write(ctx context.Context, record status.TargetRecord, value string) (*status.TargetRecord, error) {
	if !plausibleID(record.ID) {
		return nil, &connector.Failure{Kind: connector.Gone, Effect: connector.EffectNone, Detail: "no HighLevel contact can have this id"}
	}
	switch t.all.place.kind {
	case tags:
		return t.writeTag(ctx, record, value)
	case opportunityStatus:
		return nil, t.writeOpportunity(ctx, record, value)
	}
	return t.writeField(ctx, record, value)
}

// writeField changes one custom field. PUT leaves everything else as it is
// (invariant 2).
func (t target) writeField(ctx context.Context, record status.TargetRecord, value string) (*status.TargetRecord, error) {
	f, err := t.all.fields.writable(ctx, t.all.place.field, value)
	if err != nil {
		return nil, err
	}
	type one struct {
		ID    string `json:"id"`
		Value string `json:"field_value"`
	}
	body := struct {
		CustomFields []one `json:"customFields"`
	}{[]one{{f.ID, value}}}
	var answer struct {
		Contact *contact `json:"contact"`
	}
	err = t.all.api.write(ctx, writeContact, http.MethodPut, "/contacts/"+url.PathEscape(record.ID), body, &answer)
	if err != nil {
		if connector.FailureOf(err).Kind == connector.Refused {
			t.all.fields.Forget() // the field may have been deleted and made anew
		}
		return nil, err
	}
	if answer.Contact == nil || answer.Contact.ID != record.ID {
		return nil, unexpected(writeContact, "is about something other than what was written", true)
	}
	shown := &status.TargetRecord{ID: record.ID, Value: answer.Contact.field(f.ID)}
	if shown.Value != value { // invariant 3
		t.all.fields.Forget()
	}
	if shown.Value == "" { // a field that was made anew has another id, and this one was dropped without a word
		return nil, unexpected(writeContact, "does not show the field that was written", true)
	}
	return shown, nil
}

// writeTag adds the tag of the new status and then removes those of the old
// ones. Between the two calls the contact has both, which is no status that
// anybody maps: if the second call fails, nothing is lost, and the next look
// shows both. The other way round a contact could be left with none, which
// looks like a customer who never had a status. The tags are read once more
// before, so that a tag that somebody set meanwhile is not taken away unseen.
func (t target) writeTag(ctx context.Context, record status.TargetRecord, value string) (*status.TargetRecord, error) {
	tag := tagOf(value)
	if t.all.place.words[tag] != value {
		return nil, &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone,
			Detail: fmt.Sprintf("%q is not a tag of this sync", value)}
	}
	now, err := t.all.read(ctx, record.ID)
	if err != nil {
		return nil, err
	}
	if now.value != record.Value {
		return nil, &connector.Failure{Kind: connector.Moved, Effect: connector.EffectNone, Detail: "the contact's tags changed between reading and writing"}
	}
	old := slices.DeleteFunc(t.all.place.statusTags(now.contact.Tags), func(s string) bool { return s == tag })
	written := false
	if !slices.Contains(t.all.place.statusTags(now.contact.Tags), tag) {
		after, err := t.changeTags(ctx, http.MethodPost, record.ID, []string{tag})
		if err != nil {
			return nil, err
		}
		if !slices.Contains(after, tag) {
			return nil, unexpected(writeTags, "does not show the tag that was added", true)
		}
		written = true
	}
	if len(old) == 0 {
		return &status.TargetRecord{ID: record.ID, Value: value}, nil
	}
	after, err := t.changeTags(ctx, http.MethodDelete, record.ID, old)
	if err != nil {
		if f := *connector.FailureOf(err); written {
			f.Effect = connector.EffectUnknown // the first call has changed something
			return nil, &f
		}
		return nil, err
	}
	if t.all.place.taggedValue(after) != value {
		return nil, unexpected(writeTags, "still shows a tag that was removed", true)
	}
	return &status.TargetRecord{ID: record.ID, Value: value}, nil
}

// Between implements connector.Stepwise: after its first call a change of tags
// shows the new one beside the old ones.
func (t target) Between(prior, value string) []string {
	if t.all.place.kind != tags || prior == "" {
		return nil
	}
	half := t.all.place.taggedValue(append(strings.Split(prior, between), value))
	if half == prior || half == value {
		return nil
	}
	return []string{half}
}

// changeTags adds or removes tags and returns the contact's tags after it.
func (t target) changeTags(ctx context.Context, method, id string, tags []string) ([]string, error) {
	body := struct {
		Tags []string `json:"tags"`
	}{tags}
	var answer struct {
		Tags *[]string `json:"tags"`
	}
	if err := t.all.api.write(ctx, writeTags, method, "/contacts/"+url.PathEscape(id)+"/tags", body, &answer); err != nil {
		return nil, err
	}
	if answer.Tags == nil {
		return nil, unexpected(writeTags, "has no tags", true)
	}
	after := make([]string, len(*answer.Tags))
	for i, tag := range *answer.Tags {
		after[i] = tagOf(tag)
	}
	return after, nil
}

// writeOpportunity changes the status of the contact's one opportunity.
func (t target) writeOpportunity(ctx context.Context, record status.TargetRecord, value string) error {
	if !slices.Contains(opportunityWords(), value) {
		return &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone,
			Detail: fmt.Sprintf("%q is not a status of an opportunity, which is open, won, lost or abandoned", value)}
	}
	id := record.Keys["opportunity_id"]
	if !plausibleID(id) {
		return &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone,
			Detail: "the contact has no opportunity that shows its status, or several; leave it exactly one (in the connection's pipeline, if it names one)"}
	}
	body := struct {
		Status string `json:"status"`
	}{value}
	// The answer holds a flag and not the status: what the opportunity holds then
	// is read.
	var answer struct{}
	return t.all.api.write(ctx, writeOpportunity, http.MethodPut, "/opportunities/"+url.PathEscape(id)+"/status", body, &answer)
}
