package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// kept are the fields of Chargebee's resources that a status needs. The others may
// come with an answer, and are not checked.
var kept = map[string][]string{
	"Subscription": {"id", "currency_code", "customer_id", "status", "deleted", "created_at", "started_at", "activated_at", "cancelled_at", "pause_date", "resume_date", "updated_at", "resource_version", "has_scheduled_changes"},
	"Customer":     {"id", "first_name", "last_name", "email", "phone", "company", "deleted", "created_at", "updated_at", "resource_version", "pii_cleared"},
}

// chargebee makes a description of the list of subscriptions out of definitions that
// are no OpenAPI: a filter of theirs is one parameter for each of its operators.
func chargebee(from object) (object, error) {
	defs, filters := from["$defs"].(object), from["x-filters"].(object)
	doc := empty("chargebee")
	schemas := doc["components"].(object)["schemas"].(object)
	for name, fields := range kept {
		def, ok := defs[name].(object)
		if !ok {
			return nil, fmt.Errorf("no definition %s", name)
		}
		all, properties := def["properties"].(object), object{}
		for _, f := range fields {
			if p, ok := all[f]; ok {
				properties[f] = bare(p, false)
			}
		}
		required := []any{}
		for _, f := range def["required"].([]any) {
			if properties[f.(string)] != nil {
				required = append(required, f)
			}
		}
		schemas[name] = object{"type": "object", "properties": properties, "required": required}
	}
	parameters := []any{}
	add := func(name string, schema any) {
		parameters = append(parameters, object{"name": name, "in": "query", "schema": schema})
	}
	input := defs["Subscription.ListInputParam"].(object)["properties"].(object)
	for _, name := range slices.Sorted(maps.Keys(input)) {
		p := input[name].(object)
		kind, filter := p["x-filter"].(string)
		if !filter {
			add(name, bare(p, false))
			continue
		}
		for _, operator := range filters[kind].([]any) {
			add(name+"["+operator.(string)+"]", object{"type": "string"})
		}
	}
	row := object{"type": "object", "required": []any{"subscription", "customer"},
		"properties": object{"subscription": ref("Subscription"), "customer": ref("Customer")}}
	responses := object{"200": answer(object{"type": "object", "required": []any{"list"},
		"properties": object{"list": object{"type": "array", "items": row}, "next_offset": object{"type": "string"}}})}
	for name, def := range defs {
		if code, ok := strings.CutPrefix(name, "Error."); ok {
			schemas[name] = bare(def, false)
			responses[code] = answer(ref(name))
		}
	}
	doc["paths"] = object{"/api/v2/subscriptions": object{"get": object{"operationId": "subscription.list", "parameters": parameters, "responses": responses}}}
	return doc, nil
}

func ref(name string) object { return object{"$ref": "#/components/schemas/" + name} }

func answer(schema object) object {
	return object{"description": "", "content": object{"application/json": object{"schema": schema}}}
}
