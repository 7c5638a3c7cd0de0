package makecom

import (
	"context"
	"errors"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/strictjson"
)

// source asks a scenario for customers of the tool that decides.
type source struct{ *scenario }

// Read implements connector.Source.
func (s source) Read(ctx context.Context, customer string) (status.SourceRecord, error) {
	r, err := s.read(ctx, customer)
	if err != nil {
		return status.SourceRecord{}, err
	}
	return r.source(), nil
}

func (s shape) source() status.SourceRecord {
	return status.SourceRecord{ID: s.id, Value: s.value, NoStatus: !s.hasValue, UpdatedAt: s.changedAt, Keys: s.keys}
}

// read asks for one record.
func (s *scenario) read(ctx context.Context, id string) (shape, error) {
	if !plausibleID(id) {
		return shape{}, &connector.Failure{Kind: connector.Gone, Effect: connector.EffectNone, Detail: "no record behind Make can have this id"}
	}
	a, err := s.ask(ctx, OpRead, map[string]any{keyID: id, keyIDURL: percent(id)})
	if err != nil {
		return shape{}, err
	}
	r, err := a.shape("id", "value")
	switch {
	case err != nil:
		return shape{}, misfit(err)
	case r.id != id:
		return shape{}, misfit(errors.New("it is about a record other than the requested one; map the record's own id"))
	case !a.has("value"):
		return shape{}, misfit(errors.New("value is missing; map the status field, which may be empty"))
	}
	return r, nil
}

// eventSource reads a customer out of a stored event, for a scenario that
// cannot be asked.
type eventSource struct{}

// Record implements connector.EventSource.
func (eventSource) Record(payload []byte) (status.SourceRecord, error) {
	v, err := strictjson.Decode(payload)
	if err != nil {
		return status.SourceRecord{}, misfit(err)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return status.SourceRecord{}, misfit(errNoObject)
	}
	r, err := answer(object).shape("customer", "status")
	if err != nil {
		return status.SourceRecord{}, misfit(err)
	}
	return r.source(), nil
}

var errNoObject = errors.New("the body is not a JSON object")
