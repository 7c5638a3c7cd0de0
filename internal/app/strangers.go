package app

import (
	"context"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// fewIDs is how many ids are asked for one by one although the tool has a list.
	fewIDs = 100
	// askTime bounds asking one tool about ids, while a person waits.
	askTime = 2 * time.Minute
)

// Strangers are ids that a tool does not know.
type Strangers struct {
	Customers, Records map[string]bool
	// Unasked says why a tool could not be asked, or not about all of them.
	Unasked []string
}

// FindStrangers asks the tools of a sync for customers and records by their ids. tell is
// told how many records of a list were read.
func FindStrangers(ctx context.Context, cfg *config.Config, db *store.DB, sync string, customers, records []string, tell func(connection string, read int)) (Strangers, error) {
	s, conns, err := oneSync(cfg, db, sync)
	if err != nil {
		return Strangers{}, err
	}
	defer conns.close()
	var found Strangers
	from := census{name: s.From.Name, tell: tell}
	if s.From.Source != nil {
		from.read = func(ctx context.Context, id string) error { _, err := s.From.Source.Read(ctx, id); return err }
	}
	if s.From.SourceList != nil {
		from.list = func(ctx context.Context, cursor string) ([]string, string, error) {
			page, next, err := s.From.SourceList.List(ctx, cursor)
			ids := make([]string, len(page))
			for i, r := range page {
				ids[i] = r.ID
			}
			return ids, next, err
		}
	}
	to := census{name: s.To.Name, tell: tell}
	if s.To.Target != nil {
		to.read = func(ctx context.Context, id string) error { _, err := s.To.Target.Read(ctx, id); return err }
	}
	if s.To.TargetList != nil {
		to.list = func(ctx context.Context, cursor string) ([]string, string, error) {
			page, next, err := s.To.TargetList.List(ctx, cursor)
			ids := make([]string, len(page))
			for i, r := range page {
				ids[i] = r.ID
			}
			return ids, next, err
		}
	}
	for _, side := range []struct {
		census
		ids []string
		to  *map[string]bool
	}{{from, customers, &found.Customers}, {to, records, &found.Records}} {
		unknown, err := side.unknown(ctx, side.ids)
		if ctx.Err() != nil {
			return Strangers{}, ctx.Err()
		}
		if err != nil {
			found.Unasked = append(found.Unasked, err.Error())
			continue
		}
		*side.to = unknown
	}
	return found, nil
}

// census finds which ids one tool does not know.
type census struct {
	name string
	read func(ctx context.Context, id string) error // nil: it cannot be asked
	list func(ctx context.Context, cursor string) (ids []string, next string, err error)
	tell func(connection string, read int)
}

func (c census) unknown(ctx context.Context, ids []string) (map[string]bool, error) {
	unknown := map[string]bool{}
	for _, id := range ids {
		unknown[id] = true
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if c.list != nil && (len(ids) > fewIDs || c.read == nil) {
		read := 0
		var circle connector.Circle
		for cursor := ""; ; {
			page, next, err := c.list(ctx, cursor)
			if err != nil {
				return nil, fmt.Errorf("could not read the list of %s: %w", c.name, connector.FailureOf(err))
			}
			for _, id := range page {
				delete(unknown, id)
			}
			read += len(page)
			c.tell(c.name, read)
			if next == "" {
				break
			}
			if circle.Turn(next) {
				return nil, fmt.Errorf("could not read the list of %s: %w", c.name, connector.Endless())
			}
			cursor = next
		}
	} else if c.read == nil {
		return nil, fmt.Errorf("%s cannot be asked for its customers", c.name)
	}
	if c.read == nil {
		return unknown, nil
	}
	// A list can miss a record that changes while it is read.
	for _, id := range ids {
		if !unknown[id] {
			continue
		}
		switch err := c.read(ctx, id); {
		case err == nil:
			delete(unknown, id)
		case connector.FailureOf(err).Kind != connector.Gone:
			return nil, fmt.Errorf("could not read %s from %s: %w", id, c.name, connector.FailureOf(err))
		}
	}
	return unknown, nil
}
