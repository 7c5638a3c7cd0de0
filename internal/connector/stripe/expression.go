package stripe

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"

	"github.com/trueup-sync/trueup/internal/connector"
)

// The names that the expression of a status may use.
const (
	varSubscription = "subscription" // as Stripe's API has it
	varStanding     = "standing"     // the word that it has without an expression
	varProducts     = "products"     // ids
	varPrices       = "prices"       // ids
)

const (
	// maxCost bounds one evaluation.
	maxCost = 100_000
	// maxWord bounds what an expression may give.
	maxWord = 100
)

// words turns a subscription into a word of the account's own. A nil one leaves
// Stripe's.
type words struct {
	program cel.Program
	rank    []string // every word, the best first
}

var wordsEnv = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(ext.Strings(), cel.OptionalTypes(), cel.Variable(varSubscription, cel.DynType), cel.Variable(varStanding, cel.DynType),
		cel.Variable(varProducts, cel.DynType), cel.Variable(varPrices, cel.DynType))
})

// compileWords compiles the expression; the problem is "" when it can be used.
func compileWords(text string, rank []string) (w *words, problem string) {
	env, err := wordsEnv()
	if err != nil {
		return nil, "cannot be compiled: " + err.Error()
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, fmt.Sprintf("is not a CEL expression that can be used here: %s, at character %d",
			strings.ReplaceAll(first.Message, "\n", " "), first.Location.Column()+1)
	}
	if t := ast.OutputType(); t.Kind() != types.DynKind && t.Kind() != types.StringKind {
		return nil, "gives a " + t.String() + ", and a status is a text"
	}
	program, err := env.Program(ast, cel.CostLimit(maxCost))
	if err != nil {
		return nil, "cannot be compiled: " + err.Error()
	}
	return &words{program: program, rank: rank}, ""
}

// of is the word of a subscription, "" when it does not count.
func (w *words) of(s Subscription, object json.RawMessage) (string, error) {
	vars, id, err := factsOf(object)
	if err != nil {
		return "", err
	}
	vars[varStanding] = s.word()
	out, err := w.eval(vars)
	if err != nil {
		return "", &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
			Detail: fmt.Sprintf("status of the connection: for subscription %s %s", id, err)}
	}
	return out, nil
}

// eval never quotes CEL's own error, which can hold what Stripe sent.
func (w *words) eval(vars map[string]any) (word string, err error) {
	defer func() {
		if recover() != nil {
			word, err = "", errors.New("the expression broke off")
		}
	}()
	out, _, err := w.program.Eval(vars)
	if err != nil {
		switch text := err.Error(); {
		case strings.HasPrefix(text, "no such key"):
			return "", errors.New("a field of the expression is missing; write .? before a field that not every subscription has")
		case strings.HasPrefix(text, "index out of bounds"):
			return "", errors.New("a list of the expression is too short")
		case strings.HasPrefix(text, "no such overload"):
			return "", errors.New("the expression does not fit the type of a field")
		case strings.Contains(text, "cost limit"):
			return "", errors.New("the expression takes too much work")
		}
		return "", errors.New("the expression cannot be computed")
	}
	if o, optional := out.(*types.Optional); optional {
		if !o.HasValue() {
			return "", nil
		}
		out = o.GetValue()
	}
	switch v := out.(type) {
	case types.Null:
		return "", nil
	case types.String:
		if len(v) > maxWord || strings.TrimSpace(string(v)) != string(v) {
			return "", errors.New("the expression gives a text that is too long, or begins or ends with a space")
		}
		return string(v), nil
	}
	return "", errors.New("the expression gives neither a text nor null")
}

// factsOf reads what an expression can use of a subscription.
func factsOf(object json.RawMessage) (vars map[string]any, id string, err error) {
	var o struct {
		ID    string `json:"id"`
		Items struct {
			HasMore bool `json:"has_more"`
			Data    []struct {
				Price struct {
					ID      string          `json:"id"`
					Product json.RawMessage `json:"product"`
				} `json:"price"`
			} `json:"data"`
		} `json:"items"`
	}
	var raw any
	if err := errors.Join(json.Unmarshal(object, &o), json.Unmarshal(object, &raw)); err != nil {
		return nil, "", unexpected(subscriptions, "has one that cannot be read", err)
	}
	if o.Items.HasMore {
		return nil, "", &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
			Detail: fmt.Sprintf("status of the connection: subscription %s has more prices than Stripe gives with it", o.ID)}
	}
	products, prices := []string{}, []string{}
	for _, item := range o.Items.Data {
		if id := reference(item.Price.Product); id != "" && !slices.Contains(products, id) {
			products = append(products, id)
		}
		if id := item.Price.ID; id != "" && !slices.Contains(prices, id) {
			prices = append(prices, id)
		}
	}
	return map[string]any{varSubscription: integers(raw), varProducts: products, varPrices: prices}, o.ID, nil
}

// integers makes integers of the numbers that are some, as people write them.
func integers(v any) any {
	switch t := v.(type) {
	case float64:
		if t == math.Trunc(t) && math.Abs(t) < 1<<53 {
			return int64(t)
		}
	case []any:
		for i := range t {
			t[i] = integers(t[i])
		}
	case map[string]any:
		for k := range t {
			t[k] = integers(t[k])
		}
	}
	return v
}

// best is the standing by words of the account's own: the first in the order. One
// that is not in it could mean anything, so it is the answer unless another is the
// best of all, as in Fold. Since when it is so cannot be known: what the expression
// uses may have changed at any time.
func (w *words) best(all []string) Standing {
	best, unknown := len(w.rank), ""
	for _, word := range all {
		switch place := slices.Index(w.rank, word); {
		case word == "":
		case place < 0 && (unknown == "" || word < unknown):
			unknown = word
		case place >= 0:
			best = min(best, place)
		}
	}
	switch {
	case unknown != "" && best != 0:
		return Standing{Value: unknown}
	case best == len(w.rank):
		return Standing{None: true}
	}
	return Standing{Value: w.rank[best]}
}
