package httpconn

import (
	"maps"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// reading is one record with everything the configuration says about it.
type reading struct {
	id       string
	value    string
	hasValue bool
	at       time.Time // of the record
	statusAt time.Time // of its status alone
	deleted  bool      // a row that does not count
	owner    string    // of a listed row, "" where a record is a customer
	keys     map[string]string
}

// withRecord returns the variables for one record of an answer. Without read
// the record is the event, and of a list both names mean its element.
func (c *compiled) withRecord(vars map[string]any, record any) map[string]any {
	with := map[string]any{varRecord: record, varAsked: nil}
	maps.Copy(with, vars)
	if !c.hasRead {
		with[varEvent], with[varBody] = record, record
	}
	return with
}

// read evaluates the fields that sources and targets share.
func (s *recordShape) read(vars map[string]any) (r reading, err error) {
	if r.id, err = s.id.id(vars); err != nil {
		return r, err
	}
	if r.value, r.hasValue, err = s.status.text(vars); err != nil {
		return r, err
	}
	if r.at, err = s.updatedAt.time(vars); err != nil {
		return r, err
	}
	if r.statusAt, err = s.statusAt.time(vars); err != nil {
		return r, err
	}
	r.keys, err = s.keysOf(vars)
	return r, err
}

// keysOf evaluates the keys of a record, those that it has.
func (s *recordShape) keysOf(vars map[string]any) (map[string]string, error) {
	keys := map[string]string{}
	for _, k := range s.keys {
		text, err := k.key(vars)
		if err != nil {
			return nil, err
		}
		if text != "" {
			keys[k.name] = text
		}
	}
	return keys, nil
}

// nobody took the place of a record that was deleted. No id holds a control
// character.
const nobody = "\x00"

// survivor is the record that this one says it was merged into, nobody when it
// was deleted, and "" when it lives. id is what it is known by.
func (s *recordShape) survivor(id string, vars map[string]any) (string, error) {
	if deleted, err := s.deleted.truth(vars); err != nil || deleted {
		return nobody, err
	}
	into, told, err := s.mergedInto.text(vars)
	if err != nil || !told || into == id {
		return "", err
	}
	return into, nil
}

func (r reading) source() status.SourceRecord {
	return status.SourceRecord{ID: r.id, Value: r.value, NoStatus: !r.hasValue, ValueAt: r.statusAt, UpdatedAt: r.at, Keys: r.keys}
}

// targetRecord reads one record of the target.
func (c *compiled) targetRecord(vars map[string]any) (status.TargetRecord, error) {
	r, err := c.record.read(vars)
	if err != nil {
		return status.TargetRecord{}, err
	}
	t := status.TargetRecord{ID: r.id, Value: r.value, EditedAt: r.at, Keys: r.keys}
	by := c.record.updatedBy
	if !r.statusAt.IsZero() {
		t.EditedAt, t.FieldTime, by = r.statusAt, true, c.record.statusBy
	}
	told := false
	if t.By, told, err = by.text(vars); err != nil {
		return t, err
	}
	if told || !t.FieldTime { // else humans could only speak of who touched another field
		if t.Actor, err = c.actor(vars); err != nil {
			return t, err
		}
	}
	t.Revision, err = c.write.revision(vars)
	return t, err
}

// actor asks humans. An expression that cannot be computed, because the record
// does not say who edited it, means that nobody knows: the decision then takes
// the edit for a person's, the reading that overwrites nothing.
func (c *compiled) actor(vars map[string]any) (status.Actor, error) {
	v, err := c.record.humans.eval(vars)
	if err != nil {
		return status.ActorUnknown, nil
	}
	switch t := v.(type) {
	case absent:
		return status.ActorUnknown, nil
	case bool:
		if t {
			return status.ActorHuman, nil
		}
		return status.ActorAutomation, nil
	}
	return status.ActorUnknown, misfit{c.record.humans.path, "the value is neither true nor false"}
}
