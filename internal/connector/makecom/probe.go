package makecom

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
)

// probe asks the scenario whether it is there.
type probe struct {
	*scenario
	use connector.Use
}

// Probe implements connector.Probe. A ping changes nothing and reaches no tool,
// so it proves that the scenario is on and answers, and not that its login at
// the tool is good.
func (p probe) Probe(ctx context.Context) ([]string, error) {
	a, err := p.ask(ctx, OpPing, nil)
	if err != nil {
		return nil, fmt.Errorf("ping the scenario: %w", err)
	}
	said := []string{"the scenario is switched on and answers"}
	if !p.use.Target {
		return said, nil
	}
	values, err := a.values()
	switch {
	case err != nil:
		return said, misfit(err)
	case values == nil:
		return append(said, "the scenario does not report which values it writes, so they were not compared"), nil
	}
	var missing []string
	for _, v := range p.use.Values {
		if !slices.Contains(values, v) && !slices.Contains(missing, v) {
			missing = append(missing, v)
		}
	}
	if len(missing) > 0 {
		return said, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
			Detail: fmt.Sprintf("the scenario does not write %s, which are in statuses of trueup.yaml; export the scenario again with trueup export make, or correct statuses",
				strings.Join(missing, ", "))}
	}
	return append(said, "the scenario writes every value of statuses"), nil
}

// values are the words the scenario writes, nil when it does not say.
func (a answer) values() ([]string, error) {
	list, ok := a["values"].([]any)
	if a["values"] == nil {
		return nil, nil
	}
	values := []string{}
	for _, v := range list {
		s, isText := v.(string)
		ok = ok && isText
		values = append(values, s)
	}
	if !ok {
		return nil, fmt.Errorf("values is not a list of texts")
	}
	return values, nil
}
