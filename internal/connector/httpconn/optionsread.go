package httpconn

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

func (c *compiler) optionsRead(o map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(o)) {
		text, isText := o[key].(string)
		switch {
		case key != optionsGet && key != optionsValues && key != optionsIDs:
			c.fault("options."+key, "stands beside get and values", "write either the words with what the API takes, or get and values, and ids for an API that takes ids")
		case !isText:
			c.fault("options."+key, "is not a text", "write options: {get: /fields/7, values: body.options}")
		case key == optionsGet:
			c.out.optionsGet = c.path("options.get", text, "/fields/7", nil)
		case key == optionsIDs:
			c.out.optionsIDs, c.out.words = c.expr("options.ids", text, varHeaders, varBody), &vocabulary{}
			c.readsByIDs()
		default:
			c.out.optionsValues = c.expr("options.values", text, varHeaders, varBody)
		}
	}
	c.require(o[optionsGet] != nil, "options.get", "write the path that lists the field's options, such as /fields/7")
	c.require(o[optionsValues] != nil, "options.values", "write where the answer has the list, such as body.options.map(o, o.label)")
}

// readsByIDs refuses what would have to be read without a call to the tool, which
// alone knows what its ids mean.
func (c *compiler) readsByIDs() {
	if c.s.Read == nil {
		c.fault("options.ids", "is given, and there is no read", "add read; or write the words with their ids, such as options: {Active: 12, Churned: 13}")
	}
	if w := c.s.Webhook; w != nil && w.Status != "" {
		c.fault("webhook.status", "is given, and options.ids as well", "remove it: an event has the option's id, and the record is read anew; or write the words with their ids under options")
	}
}

// options implements connector.Options.
type options struct{ *api }

// Options implements connector.Options.
func (o options) Options(ctx context.Context) ([]string, error) {
	return o.legal.Get(ctx, optionsAgain)
}

// readOptions asks for the legal words.
func (a *api) readOptions(ctx context.Context) ([]string, error) {
	vars, err := a.get(ctx, a.optionsGet, nil, nil)
	if err != nil {
		if f := connector.FailureOf(err); f.Kind == connector.Gone {
			return nil, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Status: f.Status,
				Detail: "the tool has nothing at GET " + a.rest.Shown(a.optionsGet.text) + " (options.get)", Err: err}
		}
		return nil, err
	}
	items, err := a.optionsValues.list(vars)
	if err != nil {
		return nil, misconfigured(err)
	}
	words := []string{}
	for _, item := range items {
		word, problem := canonical(item)
		if item == nil || problem != "" {
			return nil, misconfigured(misfit{a.optionsValues.path, "an item of the list is neither text nor a number"})
		}
		if err := a.optionsValues.sound(word); err != nil {
			return nil, misconfigured(err)
		}
		words = append(words, word)
	}
	if a.optionsIDs == nil {
		return words, nil
	}
	ids, err := a.optionsIDs.list(vars)
	if err != nil {
		return nil, misconfigured(err)
	}
	k, problem := joinedUp(words, ids)
	if problem != "" {
		return nil, misconfigured(misfit{a.optionsIDs.path, problem})
	}
	a.words.Store(k)
	return words, nil
}

// joinedUp makes what is known of two lists that go through the options in the
// same order.
func joinedUp(words []string, ids []any) (k *known, problem string) {
	if len(words) != len(ids) {
		return nil, fmt.Sprintf("the list has %d ids, and options.values has %d words", len(ids), len(words))
	}
	k = &known{taken: map[string]any{}, words: map[string]string{}, twice: map[string]bool{}}
	for i, id := range ids {
		key, problem := canonical(id)
		if _, isList := id.([]any); isList || id == nil || problem != "" {
			return nil, "an item of the list is neither a text, a number nor true or false"
		}
		if other, taken := k.words[key]; taken && other != words[i] {
			return nil, "two options have the same id"
		}
		if before, taken := k.taken[words[i]]; taken && before != id {
			k.twice[words[i]] = true
		}
		k.taken[words[i]], k.words[key] = id, words[i]
	}
	return k, ""
}

// learn makes sure that the words of some records are known, where the tool gives
// ids for them. An id that is not may be an option's that was added since the last look.
func (a *api) learn(ctx context.Context, records ...map[string]any) error {
	if a.optionsIDs == nil {
		return nil
	}
	if _, err := a.legal.Get(ctx, optionsAge); err != nil {
		return err
	}
	if slices.ContainsFunc(records, a.record.status.strange) {
		_, err := a.legal.Get(ctx, optionsAgain)
		return err
	}
	return nil
}

// learnFrom is learn for the records of a list.
func (a *api) learnFrom(ctx context.Context, vars map[string]any, records []any) error {
	if a.optionsIDs == nil {
		return nil
	}
	all := make([]map[string]any, len(records))
	for i, record := range records {
		all[i] = a.withRecord(vars, record)
	}
	return a.learn(ctx, all...)
}

// strange reports whether a status has a value for which there is no word.
func (e *expression) strange(vars map[string]any) bool {
	v, err := e.eval(vars)
	if err != nil {
		return false
	}
	items, isList := v.([]any)
	if _, none := v.(absent); !isList && !none {
		items = []any{v}
	}
	return slices.ContainsFunc(items, func(item any) bool { _, has := e.words.word(item); return !has })
}

// isLegal refuses a word that the field does not have, before it is written. One
// that is missing may have been added since the last look.
func (a *api) isLegal(ctx context.Context, word string) error {
	if a.words != nil && a.optionsIDs == nil {
		if _, known := a.words.takes(word); !known {
			return &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone,
				Detail: fmt.Sprintf("%q is not among options, so nobody knows what the tool takes for it; add it to options of the connection", word)}
		}
	}
	if a.legal == nil {
		return nil
	}
	var all []string
	for _, age := range []time.Duration{optionsAge, optionsAgain} {
		var err error
		if all, err = a.legal.Get(ctx, age); err != nil {
			f := *connector.FailureOf(err)
			f.Effect = connector.EffectNone
			return &f
		}
		if slices.Contains(all, word) {
			return a.isOne(word)
		}
	}
	shown := make([]string, len(all))
	for i, o := range all {
		shown[i] = strconv.Quote(o)
	}
	return &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone,
		Detail: fmt.Sprintf("%q is not an option of the field: its options are %s (case matters)", word, strings.Join(shown, ", "))}
}

// isOne refuses a word that several options of the field have: nobody knows which
// of their ids is meant.
func (a *api) isOne(word string) error {
	if a.optionsIDs == nil || !a.words.now().twice[word] {
		return nil
	}
	return &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone,
		Detail: fmt.Sprintf("several options of the field are called %q; rename or remove all but one in the tool", word)}
}

// readsOptions reports whether the tool is asked for the legal words.
func (s *Settings) readsOptions() bool {
	o, _ := s.Options.(map[string]any)
	_, path := o[optionsGet].(string)
	_, ids := o[optionsIDs].(string)
	return path || o[optionsValues] != nil || ids
}
