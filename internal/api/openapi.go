package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/strictjson"
)

// Only as a variable of its own does huma offer this: a field is not known by
// another letter case.
func init() { huma.ValidateStrictCasing = true }

// strict reads no body that two readers could understand differently.
var strict = huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: func(body []byte, into any) error {
	if _, err := strictjson.Decode(body); err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}}

// describe is what huma makes the API from. Of huma's own routes there is none:
// its pages load scripts from elsewhere.
func describe() huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	registry.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[Problem]())
	registry.RegisterTypeAlias(reflect.TypeFor[status.Kind](), reflect.TypeFor[kind]())
	registry.RegisterTypeAlias(reflect.TypeFor[status.Outcome](), reflect.TypeFor[outcome]())
	registry.RegisterTypeAlias(reflect.TypeFor[status.Stage](), reflect.TypeFor[stage]())
	registry.RegisterTypeAlias(reflect.TypeFor[status.State](), reflect.TypeFor[state]())
	registry.RegisterTypeAlias(reflect.TypeFor[store.Verb](), reflect.TypeFor[verb]())
	registry.RegisterTypeAlias(reflect.TypeFor[store.Ignored](), reflect.TypeFor[ignored]())
	registry.RegisterTypeAlias(reflect.TypeFor[store.Role](), reflect.TypeFor[role]())
	registry.RegisterTypeAlias(reflect.TypeFor[store.Side](), reflect.TypeFor[side]())
	registry.RegisterTypeAlias(reflect.TypeFor[store.Purpose](), reflect.TypeFor[purpose]())
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Trueup", Version: "1",
				Description: "Trueup keeps a customer's status the same in the tool that decides it and the tool that follows. The rows are the same as those that its commands print with --json."},
			Components: &huma.Components{Schemas: registry, SecuritySchemes: map[string]*huma.SecurityScheme{
				scheme: {Type: "http", Scheme: "bearer", Description: "A token printed by trueup token create. viewer can read; operator can also act; admin can also read payloads and manage tokens."}}},
		},
		Formats:                      map[string]huma.Format{"application/json": strict, "json": strict},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{asProblem},
	}
}

// The closed sets. "" is a customer, an event or a decision that has none yet.
type (
	kind    string
	outcome string
	stage   string
	state   string
	verb    string
	ignored string
	role    string
	side    string
	purpose string
)

func (kind) Schema(huma.Registry) *huma.Schema {
	return oneOf(append([]status.Kind{""}, status.Kinds...))
}
func (outcome) Schema(huma.Registry) *huma.Schema {
	return oneOf(append([]status.Outcome{""}, status.Outcomes...))
}
func (stage) Schema(huma.Registry) *huma.Schema {
	return oneOf(append([]status.Stage{""}, status.Stages...))
}
func (state) Schema(huma.Registry) *huma.Schema {
	return oneOf([]status.State{status.Open, status.Acknowledged, status.Resolved, status.StateIgnored})
}
func (verb) Schema(huma.Registry) *huma.Schema { return oneOf(verbs()) }
func (ignored) Schema(huma.Registry) *huma.Schema {
	return oneOf([]store.Ignored{"", store.IgnoredUntilChange, store.IgnoredAlways})
}
func (role) Schema(huma.Registry) *huma.Schema { return oneOf(store.Roles) }
func (side) Schema(huma.Registry) *huma.Schema {
	return oneOf([]store.Side{store.SourceSide, store.TargetSide})
}
func (purpose) Schema(huma.Registry) *huma.Schema {
	return oneOf([]store.Purpose{store.ForPlan, store.ForSweep})
}

func oneOf[S ~string](words []S) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, w := range words {
		s.Enum = append(s.Enum, string(w))
	}
	return s
}

// verbs are what is offered for any kind, sorted.
func verbs() []store.Verb {
	var all []store.Verb
	for _, k := range status.Kinds {
		for _, o := range exceptions.OfKind(k) {
			if !slices.Contains(all, o.Verb) {
				all = append(all, o.Verb)
			}
		}
	}
	slices.Sort(all)
	return all
}

// finish corrects what huma cannot know: a list of ours is never null, a link
// may be, and an answer may have more fields one day.
func finish(doc *huma.OpenAPI) {
	asked := map[*huma.Schema]bool{}
	for _, path := range doc.Paths {
		for _, op := range []*huma.Operation{path.Post, path.Put} {
			if op != nil {
				asked[doc.Components.Schemas.SchemaFromRef(op.RequestBody.Content["application/json"].Schema.Ref)] = true
			}
		}
	}
	for name, s := range doc.Components.Schemas.Map() {
		if s.AdditionalProperties == false && !asked[s] {
			s.AdditionalProperties = nil
		}
		for _, p := range s.Properties {
			if p.Type == huma.TypeArray {
				p.Nullable = false
			}
		}
		if link := s.Properties["link"]; name == "Customer" || name == "CustomerLine" {
			s.Properties["link"] = &huma.Schema{AnyOf: []*huma.Schema{{Ref: link.Ref}, {Type: "null"}}}
		}
	}
}

// document is the description as it is served: the same for every server of this
// binary.
func (s *server) document() ([]byte, error) {
	plain, err := json.Marshal(s.api.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("describe the API: %w", err)
	}
	var text bytes.Buffer
	if err := json.Indent(&text, plain, "", "  "); err != nil {
		return nil, fmt.Errorf("describe the API: %w", err)
	}
	text.WriteByte('\n')
	return text.Bytes(), nil
}
