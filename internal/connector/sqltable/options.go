package sqltable

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
)

// options lists the words that the status column may hold.
type options struct{ *client }

// Options implements connector.Options.
func (o options) Options(ctx context.Context) ([]string, error) {
	words, err := o.words(ctx)
	if err != nil {
		return nil, err
	}
	if words == nil {
		hidden := ""
		if o.at.engine == mysql {
			hidden = ", as far as the user may see (trueup export sql prints the privilege)"
		}
		return nil, misconfigured(fmt.Sprintf("column %q may hold any text: it is no enum and no check constraint lists its values%s; write them under options, or remove that key", o.Status, hidden))
	}
	return words, nil
}

// words are those of an enum or of a check constraint, nil when the column may hold
// any, as far as can be told.
func (c *client) words(ctx context.Context) (words []string, err error) {
	schema, table := c.table(c.at)
	found, err := c.ask(ctx, c.query().add(c.dialect.options()).with(schema, table, c.Status))
	if err != nil {
		return nil, err
	}
	for _, row := range found {
		if textOf(row[0]) == "enum" {
			words = append(words, textOf(row[1]))
			continue
		}
		words = both(words, c.optionsIn(textOf(row[1])))
	}
	if d, ok := c.dialect.(myDialect); ok && words == nil {
		found, err := c.ask(ctx, c.query().add(d.checks(schema, table)))
		switch {
		case err != nil && connector.FailureOf(err).Kind == connector.Unauthorized:
			return nil, nil // the privileges of columns do not show it
		case err != nil:
			return nil, err
		}
		for _, row := range found {
			for _, listed := range d.checked(textOf(row[1]), c.Status) {
				words = both(words, listed)
			}
		}
	}
	return words, nil
}

// both are the words that two rules take, of which nil takes any.
func both(words, listed []string) []string {
	switch {
	case listed == nil:
		return words
	case words == nil:
		return listed
	}
	return slices.DeleteFunc(listed, func(w string) bool { return !slices.Contains(words, w) })
}

// missing says which of the file's words the column does not take, "" for none.
func missing(wanted, words []string) string {
	var lacking []string
	for _, w := range wanted {
		if !slices.Contains(words, w) {
			lacking = append(lacking, strconv.Quote(w))
		}
	}
	return strings.Join(lacking, ", ")
}

var _ connector.Options = options{}
