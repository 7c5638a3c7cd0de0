package setup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/registry"
)

// SetToolSoFar is SetTool where not everything has to be known yet: the file says what
// is missing, and where a missing secret belongs.
func (s *Setup) SetToolSoFar(side Side, entered map[string]string) error {
	return s.enter(side, entered, true)
}

// SettingProblem says what is wrong with one setting of a tool, among those that were
// entered so far, "" for nothing. It keeps none of them.
func (s *Setup) SettingProblem(side Side, key string, entered map[string]string) string {
	t := s.Draft().Tool(side)
	t.Settings, t.Later = entered, nil
	var wrong Problems
	if key == "description" && errors.As(noSecretIn(entered[key], t, side), &wrong) {
		return wrong.Of(key)
	}
	_, err := config.Connections(s.options.Path, connectionText(t, side), s.dir, registry.Types(), s.options.Env)
	var faults config.Faults
	errors.As(err, &faults)
	return slices.DeleteFunc(problemsOf(faults, t, side), func(p Problem) bool { return p.Field != key }).Error()
}

// SetFieldUnseen keeps where a tool keeps the status, without asking the tool.
func (s *Setup) SetFieldUnseen(side Side, field string) error {
	return s.change("", func(d *Draft) error {
		t := d.Tool(side)
		t.Field = field
		d.setTool(side, t)
		return nil
	})
}

// SecretFiles are the files of the set-up's secrets as trueup.yaml names them: those that
// are there, and those that a person still has to make.
func (d Draft) SecretFiles() (there, missing []string) {
	for _, side := range []Side{Source, Target} {
		t := d.Tool(side)
		kind, _ := TypeOf(t.Type)
		for _, f := range kind.FieldsOf(side) {
			switch file := secretFile(t.Name, f.Key); {
			case t.has(f.Key):
				there = append(there, file)
			case f.Secret && t.later(f.Key):
				missing = append(missing, file)
			}
		}
	}
	return there, missing
}

// Counted waits until a side is counted, or until ctx ends, and returns what was counted
// until then.
func (s *Setup) Counted(ctx context.Context, side Side) Survey {
	s.mu.Lock()
	l := s.looks[side]
	s.mu.Unlock()
	if l != nil && l.counted != nil {
		select {
		case <-l.counted:
		case <-ctx.Done():
		}
	}
	return s.Survey(side)
}

// Count counts one side of a sync of a file, until ctx ends.
func Count(ctx context.Context, cfg *config.Config, sync string, side Side) Survey {
	of := cfg.Syncs[sync]
	connection, use := of.Source.Connection, connector.Use{Field: of.Source.Field}
	if side == Target {
		connection, use = of.Target.Connection, connector.Use{Target: true, Field: of.Target.Field}
	}
	v := &Survey{Values: map[string]int{}, Keys: map[string]int{}}
	(&Setup{}).count(ctx, cfg.Connections[connection], use, side, v)
	return *v
}

// settings are those of one side, or empty ones of its type while something is missing.
func (s *Setup) settings(side Side) config.Settings {
	if c, err := s.connection(side); err == nil {
		return c.Settings
	}
	if empty, ok := registry.Types()[s.Draft().Tool(side).Type]; ok {
		return empty()
	}
	return nil
}

// Put writes the file as it is, and returns what trueup check still finds in it. Only
// with force does it replace a file that is there.
func (s *Setup) Put(force bool) (config.Faults, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.draft.Text()
	if err := Place(s.options.Path, text, force); err != nil {
		return nil, err
	}
	s.dropDraft()
	_, err := config.Parse(s.options.Path, text, s.dir, registry.Types(), s.options.Env)
	var faults config.Faults
	if errors.As(err, &faults) {
		return faults, nil
	}
	return nil, err
}

// Place writes a file that only its owner can read. Only with force does it replace one
// that is there.
func Place(path string, text []byte, force bool) error {
	if force {
		return replace(path, text)
	}
	return create(path, text)
}

// SetStatuses keeps what values mean and what is written, as far as it is said; of the
// rest only what words plainly say.
func (s *Setup) SetStatuses(said MapAnswer) error {
	suggested := s.Suggest()
	answer := MapAnswer{Means: maps.Clone(said.Means), To: maps.Clone(suggested.To), Later: true}
	for one, value := range answer.To {
		if plainly, _ := meaning(value); plainly != one && s.Draft().To[one] != value {
			delete(answer.To, one)
		}
	}
	for one, value := range said.To {
		if !slices.Contains(statuses, one) {
			return Problems{{"to", fmt.Sprintf("%q is no status; a set-up knows active, paused and churned.", one)}}
		}
		answer.To[one] = value
	}
	for _, value := range slices.Sorted(maps.Keys(said.Means)) {
		if !slices.ContainsFunc(suggested.Values, func(v Value) bool { return v.Value == value }) {
			if err := s.change("", func(d *Draft) error { d.Values = append(slices.Clone(d.Values), Value{Value: value}); return nil }); err != nil {
				return err
			}
		}
	}
	return s.SetMap(answer)
}

// Dir is the folder of the file to be.
func (s *Setup) Dir() string { return filepath.Dir(s.options.Path) }
