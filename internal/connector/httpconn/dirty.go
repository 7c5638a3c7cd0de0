package httpconn

import (
	"errors"
	"fmt"
	"strings"
)

// dirty is a record that does not fit the configuration. It is named by its id,
// or by its place where it has none that can be read.
type dirty struct {
	id    string
	place int // of the page, from 1
	err   error
}

func (d dirty) Error() string {
	if d.id == "" {
		return fmt.Sprintf("%v (record number %d of the page)", d.err, d.place)
	}
	return fmt.Sprintf("%v (record %s)", d.err, d.id)
}

func (d dirty) Unwrap() error { return d.err }

// dirtyRecord names the record that does not fit.
func (c *compiled) dirtyRecord(vars map[string]any, i int, err error) error {
	var known dirty
	if errors.As(err, &known) {
		return err
	}
	id, idErr := c.record.id.id(vars)
	if idErr != nil {
		id = ""
	}
	return dirty{id: id, place: i + 1, err: err}
}

// listedRecord reads record number i of a page of the list.
func (c *compiled) listedRecord(vars map[string]any, record any, i int) (reading, error) {
	with := c.withRecord(vars, record)
	r, err := c.record.read(with)
	if err == nil && c.fold != nil {
		r.owner, err = c.fold.by.id(with)
	}
	if err != nil {
		return r, c.dirtyRecord(with, i, err)
	}
	return r, nil
}

// key is the value of a key of one record, "" when it does not have it. What
// people typed may hold a line break or be somebody's notes: no other record
// could be found by that, so it is no key.
func (e *expression) key(vars map[string]any) (string, error) {
	text, ok, err := e.raw(vars)
	if err != nil || !ok {
		return "", err
	}
	if text = strings.TrimSpace(text); e.sound(text) != nil {
		return "", nil
	}
	return text, nil
}
