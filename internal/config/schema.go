package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
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
	root := reflector(types).of(reflect.TypeFor[Config]())
	root.Version = schemaVersion
	root.Title = "trueup.yaml"
	root.Description = "The configuration of Trueup. Any scalar can contain ${NAME}, which is replaced with the environment variable's value. Any secret can be written as <key>_file, the path of a file that contains it."
	sync := property(root, "syncs").AdditionalProperties
	for _, named := range []*schema{property(root, "connections"), property(root, "syncs")} {
		named.PropertyNames = &schema{Pattern: namePattern}
		named.MinProperties = new(uint64(1))
	}
	property(sync, "statuses").MinProperties = new(uint64(1))
	owners := &schema{}
	for _, key := range ownerKeys() {
		owners.Enum = append(owners.Enum, key)
	}
	property(sync, "owners").PropertyNames = owners
	limits := property(sync, "limits")
	for _, part := range []*schema{property(limits, "mass_change"), property(limits, "writes_per_customer"), limits, property(sync, "sweep"), property(root, "retention")} {
		orOff(part)
	}
	finish(root)
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return append(out, '\n'), nil
}

// reflector makes the schemas of what the file writes in its own way too.
func reflector(types Types) *reflection {
	r := &reflection{}
	r.mapped = func(t reflect.Type) *schema {
		switch t {
		case secretType:
			return &schema{Type: "string", MinLength: new(uint64(1)), WriteOnly: true}
		case durationType:
			return &schema{Type: "string", Pattern: durationPattern}
		case networkType:
			return &schema{Type: "string", Pattern: networkPattern}
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
func withRest(r *reflection, t, rest reflect.Type) *schema {
	known := *r
	known.mapped = func(other reflect.Type) *schema {
		if other == t {
			return nil
		}
		return r.mapped(other)
	}
	s := known.of(t)
	for _, f := range reflect.VisibleFields(t) {
		if key, _ := keyOf(f); key == "" {
			s.Properties.remove(f.Name)
		}
	}
	s.AdditionalProperties = r.of(rest)
	return s
}

// connections is one schema for each type: the keys every connection has and
// the type's own, in one mapping.
func connections(r *reflection, types Types) *schema {
	out := &schema{}
	for _, name := range types.names() {
		common := *r
		common.mapped = func(t reflect.Type) *schema {
			if t == connectionType {
				return nil
			}
			return r.mapped(t)
		}
		one := common.of(connectionType)
		one.Title = name
		kind := property(one, "type")
		kind.Type, kind.Const = "", name
		own := r.of(reflect.TypeOf(types[name]()).Elem())
		for _, k := range own.Properties.all {
			if one.Properties.get(k.key) == nil {
				one.Properties.set(k.key, k.value)
			}
		}
		one.Required = append(one.Required, own.Required...)
		out.OneOf = append(out.OneOf, one)
	}
	return out
}

func property(s *schema, key string) *schema {
	return s.Properties.get(key)
}

// finish adds to a schema and all below it what the structs cannot say: the
// _file siblings of secrets, and ${NAME} in place of what is not free text.
func finish(s *schema) {
	if s == nil || s == nothing {
		return
	}
	for _, one := range s.OneOf {
		finish(one)
	}
	finish(s.Items)
	finish(s.AdditionalProperties)
	if s.Properties != nil {
		old := s.Properties.all
		s.Properties = &properties{}
		for _, k := range old {
			finish(k.value)
			s.Properties.set(k.key, k.value)
			if k.value.WriteOnly || k.value.Items != nil && k.value.Items.WriteOnly {
				fileSibling(s, k.key, k.value)
			}
		}
	}
	if s.Type == "integer" || s.Type == "number" || s.Type == "boolean" || (s.Type == "string" && s.Enum != nil) {
		typed := *s
		typed.Description, typed.Default, typed.Examples = "", nil, nil
		*s = schema{
			Description: s.Description, Default: s.Default, Examples: s.Examples,
			AnyOf: []*schema{&typed, {Type: "string", Pattern: referencePattern}},
		}
	}
}

// fileSibling lets a secret be written as a file's path instead, not as well.
func fileSibling(s *schema, key string, secret *schema) {
	what := "The path of a file that contains " + key + ", relative to this file's folder."
	if secret.Items != nil {
		what = "The path of a file that contains " + key + ", one on each line, relative to this file's folder."
	}
	s.Properties.set(key+fileSuffix, &schema{Type: "string", MinLength: new(uint64(1)), Description: what})
	one, other := &schema{Required: []string{key}}, &schema{Required: []string{key + fileSuffix}}
	if i := slices.Index(s.Required, key); i >= 0 {
		s.Required = slices.Delete(s.Required, i, i+1)
		s.AllOf = append(s.AllOf, &schema{OneOf: []*schema{one, other}})
		return
	}
	s.AllOf = append(s.AllOf, &schema{Not: &schema{Required: []string{key, key + fileSuffix}}})
}
