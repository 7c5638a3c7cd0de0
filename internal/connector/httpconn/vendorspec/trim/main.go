// Command trim cuts the descriptions that vendors publish of their APIs down to the
// calls that the examples make, and to what a request and an answer are checked by.
//
//	go run ./internal/connector/httpconn/vendorspec/trim -from FOLDER
//
// FOLDER has one folder for each vendor, as specs/SOURCES.md lists them. What was
// added to a description is written here, beside the call that needs it.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
)

type object = map[string]any

// call is one operation that is kept. More are its query's parameters that the
// description lacks.
type call struct {
	method, path string
	more         []string
}

// vendors are the files of each vendor, the calls kept of each, and what a refusal
// looks like where the description does not say.
var vendors = []struct {
	name, prefix string
	refusal      object
	files        map[string][]call
}{
	// HubSpot's client sends these lists, but the description made from it has only
	// parameters of one value. They are names with commas between them.
	{"hubspot", "", nil, map[string][]call{
		"hubspot/contacts-companies-v3.json": {
			{"get", "/crm/v3/objects/contacts", []string{"properties", "propertiesWithHistory"}},
			{"get", "/crm/v3/objects/contacts/{contactId}", []string{"properties", "propertiesWithHistory"}},
			{"patch", "/crm/v3/objects/contacts/{contactId}", nil},
			{"post", "/crm/v3/objects/contacts/search", nil},
		},
		"hubspot/properties-v3.json": {{"get", "/crm/v3/properties/{objectType}/{propertyName}", nil}},
	}},
	// Pipedrive's client knows success only; refusals as in its answers that users have published.
	{"pipedrive", "/api/v2", object{"type": "object", "required": []any{"success", "error"}, "properties": object{
		"success": object{"type": "boolean", "enum": []any{false}}, "error": object{"type": "string"}, "error_info": object{"type": "string"}, "code": object{"type": "string"},
	}}, map[string][]call{
		"pipedrive/persons-organizations-v2.json": {
			{"get", "/persons", nil}, {"get", "/persons/search", nil}, {"get", "/persons/{id}", nil}, {"patch", "/persons/{id}", nil}, {"get", "/personFields/{field_code}", nil},
		},
	}},
	// Intercom's description leaves the parameters of its pages to a guide.
	{"intercom", "", ref("error"), map[string][]call{
		"intercom/contacts-2.14.json": {
			{"get", "/contacts", []string{"per_page", "starting_after"}},
			{"get", "/contacts/{contact_id}", nil}, {"put", "/contacts/{contact_id}", nil}, {"post", "/contacts/search", nil},
		},
	}},
}

func main() {
	log.SetFlags(0)
	from := flag.String("from", "", "the folder with one folder for each vendor")
	to := flag.String("to", "internal/connector/httpconn/vendorspec/specs", "where the cut descriptions go")
	flag.Parse()
	for _, v := range vendors {
		doc := empty(v.name)
		for file, calls := range v.files {
			if err := keep(doc, read(filepath.Join(*from, file)), calls, v.prefix, v.refusal); err != nil {
				log.Fatalf("%s: %v", file, err)
			}
		}
		if v.name == "pipedrive" { // its client does not tell; the last page's cursor is null
			page := doc["components"].(object)["schemas"].(object)["AdditionalDataWithCursorPagination"].(object)
			page["properties"].(object)["next_cursor"].(object)["nullable"] = true
		}
		write(filepath.Join(*to, v.name+".json"), doc)
	}
	doc, err := chargebee(read(filepath.Join(*from, "chargebee/customers-subscriptions-events-v2.json")))
	if err != nil {
		log.Fatalf("chargebee: %v", err)
	}
	write(filepath.Join(*to, "chargebee.json"), doc)
}

func empty(name string) object {
	return object{"openapi": "3.0.3", "info": object{"title": name + ", the calls of the examples", "version": "cut"}, "paths": object{}, "components": object{"schemas": object{}}}
}

func read(file string) (v object) {
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		log.Fatal(err)
	}
	return v
}

func write(file string, doc object) {
	text, err := json.MarshalIndent(doc, "", " ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// keep moves calls, and the schemas that they lead to, from one document to another.
// refusal is what every call may answer when it does not do what was asked.
func keep(to, from object, calls []call, prefix string, refusal object) error {
	paths, _ := from["paths"].(object)
	for _, c := range calls {
		at, _ := paths[c.path].(object)
		op, ok := at[c.method].(object)
		if !ok {
			return fmt.Errorf("no %s %s", c.method, c.path)
		}
		op = bare(op, false).(object)
		responses := op["responses"].(object)
		if responses["default"] == nil && refusal != nil {
			responses["default"] = answer(refusal)
		}
		for _, r := range responses {
			r.(object)["description"] = "" // there must be one
		}
		parameters, _ := op["parameters"].([]any)
		for _, name := range c.more {
			parameters = append(parameters, object{"name": name, "in": "query", "schema": object{"type": "string"}})
		}
		if parameters != nil {
			op["parameters"] = parameters
		}
		kept := to["paths"].(object)
		if kept[prefix+c.path] == nil {
			kept[prefix+c.path] = object{}
		}
		kept[prefix+c.path].(object)[c.method] = op
		if err := follow(to, from, op); err != nil {
			return err
		}
	}
	return nil
}

// follow copies the schemas that v refers to.
func follow(to, from object, v any) error {
	switch in := v.(type) {
	case []any:
		for _, e := range in {
			if err := follow(to, from, e); err != nil {
				return err
			}
		}
	case object:
		if ref, ok := in["$ref"].(string); ok {
			name := strings.TrimPrefix(ref, "#/components/schemas/")
			kept := to["components"].(object)["schemas"].(object)
			if kept[name] != nil {
				return nil
			}
			schema, ok := from["components"].(object)["schemas"].(object)[name]
			if !ok {
				return fmt.Errorf("no schema %s", name)
			}
			kept[name] = bare(schema, false)
			return follow(to, from, kept[name])
		}
		for _, e := range in {
			if err := follow(to, from, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// bare leaves out what nothing is checked by. named is for an object of which each
// name is the vendor's own, such as that of a property called description.
func bare(v any, named bool) any {
	switch in := v.(type) {
	case []any:
		out := []any{}
		for _, e := range in {
			out = append(out, bare(e, false))
		}
		return out
	case object:
		out := object{}
		for name, e := range in {
			if !named {
				switch {
				case name == "description", name == "summary", name == "example", name == "examples", name == "title", name == "tags", strings.HasPrefix(name, "x-"):
					continue
				case name == "default" && in["type"] != nil, name == "security":
					continue
				case name == "format" && in["type"] == "integer": // Unix time that is called a date-time
					continue
				}
			}
			out[name] = bare(e, !named && name == "properties")
		}
		return out
	}
	return v
}
