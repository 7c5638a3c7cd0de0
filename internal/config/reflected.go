package config

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// schema is as much of a JSON Schema (2020-12) as the file needs, in the order
// in which it is written.
type schema struct {
	Version              string      `json:"$schema,omitempty"`
	AllOf                []*schema   `json:"allOf,omitempty"`
	AnyOf                []*schema   `json:"anyOf,omitempty"`
	OneOf                []*schema   `json:"oneOf,omitempty"`
	Not                  *schema     `json:"not,omitempty"`
	Items                *schema     `json:"items,omitempty"`
	Properties           *properties `json:"properties,omitempty"`
	AdditionalProperties *schema     `json:"additionalProperties,omitempty"`
	PropertyNames        *schema     `json:"propertyNames,omitempty"`
	Type                 string      `json:"type,omitempty"`
	Enum                 []any       `json:"enum,omitempty"`
	Const                any         `json:"const,omitempty"`
	Maximum              json.Number `json:"maximum,omitempty"`
	Minimum              json.Number `json:"minimum,omitempty"`
	ExclusiveMinimum     json.Number `json:"exclusiveMinimum,omitempty"`
	MinLength            *uint64     `json:"minLength,omitempty"`
	Pattern              string      `json:"pattern,omitempty"`
	MinItems             *uint64     `json:"minItems,omitempty"`
	MinProperties        *uint64     `json:"minProperties,omitempty"`
	Required             []string    `json:"required,omitempty"`
	Title                string      `json:"title,omitempty"`
	Description          string      `json:"description,omitempty"`
	Default              any         `json:"default,omitempty"`
	WriteOnly            bool        `json:"writeOnly,omitempty"`
	Examples             []any       `json:"examples,omitempty"`
}

// schemaVersion is the dialect of the whole schema.
const schemaVersion = "https://json-schema.org/draft/2020-12/schema"

// nothing is the schema that accepts no value: a key that there is not.
var nothing = &schema{Not: &schema{}}

// MarshalJSON writes nothing and a schema without a word as false and true.
func (s *schema) MarshalJSON() ([]byte, error) {
	switch {
	case s == nothing:
		return []byte("false"), nil
	case reflect.ValueOf(s).Elem().IsZero():
		return []byte("true"), nil
	}
	type plain schema
	return json.Marshal((*plain)(s))
}

// properties are an object's keys in their order.
type properties struct{ all []keyed }

type keyed struct {
	key   string
	value *schema
}

func (p *properties) get(key string) *schema {
	for _, k := range p.all {
		if k.key == key {
			return k.value
		}
	}
	return nil
}

// set adds a key, or gives one that is there another schema.
func (p *properties) set(key string, value *schema) {
	if i := slices.IndexFunc(p.all, func(k keyed) bool { return k.key == key }); i >= 0 {
		p.all[i].value = value
		return
	}
	p.all = append(p.all, keyed{key, value})
}

func (p *properties) remove(key string) {
	p.all = slices.DeleteFunc(p.all, func(k keyed) bool { return k.key == key })
}

// MarshalJSON keeps the order.
func (p *properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, k := range p.all {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(k.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(k.value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	return []byte("{" + b.String() + "}"), nil
}

// reflection makes schemas of the types of the file: a key by its yaml tag, the
// words about it by its tags jsonschema_description and jsonschema.
type reflection struct {
	// mapped is the schema of a type that is not written as its fields, nil for
	// another.
	mapped func(reflect.Type) *schema
}

func (r reflection) of(t reflect.Type) *schema {
	if t.Kind() == reflect.Pointer {
		return r.of(t.Elem())
	}
	if s := r.mapped(t); s != nil {
		return s
	}
	switch t.Kind() {
	case reflect.Struct:
		s := &schema{Type: "object", Properties: &properties{}, AdditionalProperties: nothing}
		r.fields(s, t)
		return s
	case reflect.Slice:
		return &schema{Type: "array", Items: r.of(t.Elem())}
	case reflect.Map:
		s := &schema{Type: "object"}
		if t.Elem().Kind() != reflect.Interface {
			s.AdditionalProperties = r.of(t.Elem())
		}
		return s
	case reflect.Interface:
		return &schema{}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Float64:
		return &schema{Type: "number"}
	case reflect.String:
		return &schema{Type: "string"}
	}
	return &schema{Type: "integer"}
}

func (r reflection) fields(s *schema, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case key == "-" || f.PkgPath != "" && !f.Anonymous:
			continue
		case f.Anonymous && key == "" && f.Type.Kind() == reflect.Struct:
			r.fields(s, f.Type)
			continue
		case key == "":
			key = f.Name
		}
		p := r.of(f.Type)
		p.Description = f.Tag.Get("jsonschema_description")
		for _, word := range strings.Split(f.Tag.Get("jsonschema"), ",") {
			if word == "required" {
				s.Required = append(s.Required, key)
			} else if name, value, ok := strings.Cut(word, "="); ok {
				p.word(name, value)
			}
		}
		s.Properties.set(key, p)
	}
}

// word adds a word of a tag: those of a list are about its entries, but for how
// many there are.
func (s *schema) word(name, value string) {
	var typed any
	switch s.Type {
	case "array":
		if name == "minItems" {
			s.MinItems = count(value)
		} else {
			s.Items.word(name, value)
		}
		return
	case "boolean":
		typed = value == "true"
	case "integer", "number":
		typed = json.Number(value)
	case "string":
		typed = value
	default:
		return
	}
	switch name {
	case "default":
		s.Default = typed
	case "example":
		s.Examples = append(s.Examples, typed)
	case "enum":
		s.Enum = append(s.Enum, typed)
	case "minimum":
		s.Minimum = json.Number(value)
	case "maximum":
		s.Maximum = json.Number(value)
	case "exclusiveMinimum":
		s.ExclusiveMinimum = json.Number(value)
	case "minLength":
		s.MinLength = count(value)
	}
}

func count(value string) *uint64 {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		panic("a tag of the configuration counts in " + value)
	}
	return &n
}
