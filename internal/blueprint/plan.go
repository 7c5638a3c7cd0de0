package blueprint

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/makecom"
)

// plan is what the scenarios of one connection need to know.
type plan struct {
	Connection string
	// HookURL is where events are sent.
	HookURL string
	// Field is the field of the tool that holds the status.
	Field string
	// Values are the values that may be written, sorted; empty for a tool that is
	// only a source.
	Values []string
	// FindBy are the keys to search records by, Keys the keys that a record has.
	FindBy, Keys []string
	ChangedAt    bool
	ChangedBy    bool
	// Lists says that it can list all records.
	Lists bool
	// Header names the header that holds the secret; "" is a signature.
	Header   string
	IsSource bool
	IsTarget bool
	// HasEvents and HasOperations are set when the configuration has their keys.
	HasEvents, HasOperations bool
}

// defaultField is what the placeholder steps call the status.
const defaultField = "status"

// defaultHeader is the header in a scenario whose connection has no webhook
// yet.
const defaultHeader = "X-Trueup-Key"

// ErrNotMake means that neither side of a sync is a Make connection.
var ErrNotMake = errors.New("neither side of the sync is a connection of type " + makecom.Type)

// ErrNoPublicURL means that the address at which Make can reach Trueup is not
// known.
var ErrNoPublicURL = errors.New("public_url is not set, so the scenario would not know where to send events")

// plansOf makes a plan for each side of the sync that is a Make connection.
func plansOf(cfg *config.Config, sync string) ([]plan, error) {
	s := cfg.Syncs[sync]
	var names []string
	for _, name := range []string{s.Source.Connection, s.Target.Connection} {
		if _, ok := cfg.Connections[name].Settings.(*makecom.Settings); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, ErrNotMake
	}
	if cfg.PublicURL == "" {
		return nil, ErrNoPublicURL
	}
	var plans []plan
	for _, name := range names {
		p, err := planOf(cfg, name)
		if err != nil {
			return nil, err
		}
		plans = append(plans, p)
	}
	return plans, nil
}

// planOf reads every sync of a connection: a webhook in Make belongs to one
// scenario, so one scenario must serve them all.
func planOf(cfg *config.Config, connection string) (plan, error) {
	settings := cfg.Connections[connection].Settings.(*makecom.Settings)
	p := plan{Connection: connection, HookURL: strings.TrimSuffix(cfg.PublicURL, "/") + "/hooks/" + connection, Header: defaultHeader,
		ChangedAt: slices.Contains(settings.Knows, makecom.KnowsChangedAt), ChangedBy: slices.Contains(settings.Knows, makecom.KnowsChangedBy),
		Lists:     settings.CanList(true),
		HasEvents: settings.Webhook != nil, HasOperations: settings.WebhookURL != ""}
	if settings.Webhook != nil {
		p.Header = settings.Webhook.Verify.Name
	}
	fields := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		s := cfg.Syncs[name]
		if s.Source.Connection == connection {
			p.IsSource = true
			fields[s.Source.Field] = true
			for _, m := range s.Match {
				p.Keys = append(p.Keys, m.Source)
			}
		}
		if s.Target.Connection == connection {
			p.IsTarget = true
			fields[s.Target.Field] = true
			for _, m := range s.Match {
				p.Keys, p.FindBy = append(p.Keys, m.Target), append(p.FindBy, m.Target)
			}
			for _, status := range s.Statuses {
				p.Values = append(p.Values, status.To)
			}
		}
	}
	names := slices.Sorted(maps.Keys(fields))
	if len(names) > 1 {
		return p, fmt.Errorf("connection %s keeps the status in %d fields, and one scenario can have only one: add a connection for each, with its own webhook", connection, len(names))
	}
	if p.Field = names[0]; p.Field == "" {
		p.Field = defaultField
	}
	p.Values, p.FindBy, p.Keys = sortedSet(p.Values), withoutID(sortedSet(p.FindBy)), withoutID(sortedSet(p.Keys))
	return p, p.expressible()
}

// expressible refuses values that Make would not read as plain text.
func (p plan) expressible() error {
	texts := append([]string{p.HookURL, p.Field}, p.Values...)
	for _, text := range append(append(texts, p.FindBy...), p.Keys...) {
		if !literal(text) {
			return fmt.Errorf("connection %s uses %q, which Make would read as a formula; use a name without braces and backticks", p.Connection, text)
		}
	}
	return nil
}

func sortedSet(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return slices.Compact(s)
}

// withoutID leaves out the record's id, which has a member of its own.
func withoutID(s []string) []string {
	return slices.DeleteFunc(s, func(key string) bool { return key == "id" })
}
