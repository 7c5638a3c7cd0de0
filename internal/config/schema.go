package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/invopop/jsonschema"
)

const (
	// The contract takes ${NAME} wherever a scalar may stand, so the schema
	// has to take it where it asks for a number, a duration or a fixed word.
	referencePattern = `\$\{[A-Za-z_][A-Za-z0-9_]*\}`
	durationPattern  = `^[0-9]{1,5}d$|^([0-9]{1,5}d)?([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|` + referencePattern
	networkPattern   = `^[0-9a-fA-F.:]+/[0-9]{1,3}$|` + referencePattern
)

// Schema returns the JSON Schema of the file for these types of connection.
// The same types give the same bytes.
func Schema(types Types) ([]byte, error) {
	root := reflector(types).ReflectFromType(reflect.TypeFor[Config]())
	root.Title = "trueup.yaml"
	root.Description = "The configuration of Trueup. Any scalar can contain ${NAME}, which is replaced with the environment variable's value. Any secret can be written as <key>_file, the path of a file that contains it."
	sync := property(root, "syncs").AdditionalProperties
	for _, named := range []*jsonschema.Schema{property(root, "connections"), property(root, "syncs")} {
		named.PropertyNames = &jsonschema.Schema{Pattern: namePattern}
		named.MinProperties = new(uint64(1))
	}
	property(sync, "statuses").MinProperties = new(uint64(1))
	owners := &jsonschema.Schema{}
	for _, key := range ownerKeys() {
		owners.Enum = append(owners.Enum, key)
	}
	property(sync, "owners").PropertyNames = owners
	limits := property(sync, "limits")
	for _, part := range []*jsonschema.Schema{property(limits, "mass_change"), property(limits, "writes_per_customer"), limits, property(sync, "sweep"), property(root, "retention")} {
		orOff(part)
	}
	finish(root)
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return append(out, '\n'), nil
}

// reflector reads the structs by the same yaml tags the decoder uses.
func reflector(types Types) *jsonschema.Reflector {
	r := &jsonschema.Reflector{
		Anonymous:                  true,
		DoNotReference:             true, // two connectors may have types of one name
		FieldNameTag:               "yaml",
		RequiredFromJSONSchemaTags: true,
	}
	r.Mapper = func(t reflect.Type) *jsonschema.Schema {
		switch t {
		case secretType:
			return &jsonschema.Schema{Type: "string", MinLength: new(uint64(1)), WriteOnly: true}
		case durationType:
			return &jsonschema.Schema{Type: "string", Pattern: durationPattern}
		case networkType:
			return &jsonschema.Schema{Type: "string", Pattern: networkPattern}
		case connectionType:
			return connections(r, types)
		case transitionsType:
			return transitionsSchema(r)
		}
		if t.Kind() == reflect.Struct {
			if rest, ok := restOf(reflect.New(t).Elem()); ok {
				return withRest(r, t, rest.Type().Elem())
			}
		}
		return nil
	}
	return r
}

// withRest is the schema of a struct that takes further keys of one type.
func withRest(r *jsonschema.Reflector, t, rest reflect.Type) *jsonschema.Schema {
	known := *r
	known.Mapper = func(other reflect.Type) *jsonschema.Schema {
		if other == t {
			return nil
		}
		return r.Mapper(other)
	}
	s := known.ReflectFromType(t)
	s.Version = ""
	for _, f := range reflect.VisibleFields(t) {
		if key, _ := keyOf(f); key == "" {
			s.Properties.Delete(f.Name)
		}
	}
	s.AdditionalProperties = r.ReflectFromType(rest)
	s.AdditionalProperties.Version = ""
	return s
}

// connections is one schema for each type: the keys every connection has and
// the type's own, in one mapping.
func connections(r *jsonschema.Reflector, types Types) *jsonschema.Schema {
	out := &jsonschema.Schema{}
	for _, name := range types.names() {
		common := *r
		common.Mapper = func(t reflect.Type) *jsonschema.Schema {
			if t == connectionType {
				return nil
			}
			return r.Mapper(t)
		}
		one := common.ReflectFromType(connectionType)
		one.Version, one.Title = "", name
		kind := property(one, "type")
		kind.Type, kind.Const = "", name
		own := r.ReflectFromType(reflect.TypeOf(types[name]()).Elem())
		for pair := own.Properties.Oldest(); pair != nil; pair = pair.Next() {
			if _, taken := one.Properties.Get(pair.Key); !taken {
				one.Properties.Set(pair.Key, pair.Value)
			}
		}
		one.Required = append(one.Required, own.Required...)
		out.OneOf = append(out.OneOf, one)
	}
	return out
}

func property(s *jsonschema.Schema, key string) *jsonschema.Schema {
	p, _ := s.Properties.Get(key)
	return p
}

// finish adds to a schema and all below it what the structs cannot say: the
// _file siblings of secrets, and ${NAME} in place of what is not free text.
func finish(s *jsonschema.Schema) {
	if s == nil || s == jsonschema.FalseSchema {
		return
	}
	for _, one := range s.OneOf {
		finish(one)
	}
	finish(s.Items)
	finish(s.AdditionalProperties)
	if s.Properties != nil {
		old := s.Properties
		s.Properties = jsonschema.NewProperties()
		for pair := old.Oldest(); pair != nil; pair = pair.Next() {
			finish(pair.Value)
			s.Properties.Set(pair.Key, pair.Value)
			if pair.Value.WriteOnly || pair.Value.Items != nil && pair.Value.Items.WriteOnly {
				fileSibling(s, pair.Key, pair.Value)
			}
		}
	}
	if s.Type == "integer" || s.Type == "number" || s.Type == "boolean" || (s.Type == "string" && s.Enum != nil) {
		typed := *s
		typed.Description, typed.Default, typed.Examples = "", nil, nil
		*s = jsonschema.Schema{
			Description: s.Description, Default: s.Default, Examples: s.Examples,
			AnyOf: []*jsonschema.Schema{&typed, {Type: "string", Pattern: referencePattern}},
		}
	}
}

// fileSibling lets a secret be written as a file's path instead, not as well.
func fileSibling(s *jsonschema.Schema, key string, secret *jsonschema.Schema) {
	what := "The path of a file that contains " + key + ", relative to this file's folder."
	if secret.Items != nil {
		what = "The path of a file that contains " + key + ", one on each line, relative to this file's folder."
	}
	s.Properties.Set(key+fileSuffix, &jsonschema.Schema{Type: "string", MinLength: new(uint64(1)), Description: what})
	one, other := &jsonschema.Schema{Required: []string{key}}, &jsonschema.Schema{Required: []string{key + fileSuffix}}
	if i := slices.Index(s.Required, key); i >= 0 {
		s.Required = slices.Delete(s.Required, i, i+1)
		s.AllOf = append(s.AllOf, &jsonschema.Schema{OneOf: []*jsonschema.Schema{one, other}})
		return
	}
	s.AllOf = append(s.AllOf, &jsonschema.Schema{Not: &jsonschema.Schema{Required: []string{key, key + fileSuffix}}})
}
