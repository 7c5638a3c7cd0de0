package httpconn

import (
	"context"
	"fmt"
)

// sourceFind finds customers in the tool that decides, for a sync that reads several
// as one.
type sourceFind struct{ *api }

// Find implements connector.SourceFind. A row of the search is asked for its
// customer's id only: the customer is read before anything is decided.
func (s sourceFind) Find(ctx context.Context, key, value string) ([]string, error) {
	search := s.searchOf(key)
	if search == nil {
		return nil, misconfigured(fmt.Errorf("there is no find.%s, and no find for every key", key))
	}
	vars, rows, err := s.searched(ctx, search, key, value)
	if err != nil {
		return nil, err
	}
	id := s.record.id
	if s.fold != nil {
		id = s.fold.by
	}
	var found []string
	for i, row := range rows {
		one := s.withRecord(vars, row)
		customer, err := id.id(one)
		if err != nil {
			return nil, misconfigured(s.dirtyRecord(one, i, err))
		}
		found = append(found, customer)
	}
	return found, nil
}

// Several implements config.HasSeveral.
func (s *Settings) Several(key string) (precedence []string, problem, remedy string) {
	if s.Fold != nil {
		precedence = s.Fold.Precedence
	}
	_, kept := s.Record.Keys[key]
	switch {
	case s.Read == nil:
		return nil, "its source has no read, and an event tells of one customer only", "write read in the connection, or remove several: fold"
	case !kept:
		return nil, "its source has no record.keys." + key, "write in the connection where a record has it, such as record.keys: {" + key + ": record." + key + "}"
	case s.Find == nil || !s.Find.given() && !s.Find.By[key].given():
		return nil, "its source has no find for it, so that the other customers with the same " + key + " cannot be asked for",
			"write find in the connection, such as find: {" + key + ": {get: \"/customers?" + key + "={value}\"}}"
	}
	return precedence, "", ""
}
