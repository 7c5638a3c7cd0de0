package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// object is a JSON Schema or a part of one.
type object = map[string]any

func readSchema(t *testing.T) object {
	t.Helper()
	text, err := Schema(fakeTypes)
	if err != nil {
		t.Fatal(err)
	}
	var out object
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// plainFile reads a file without an environment: every reference stays itself.
func plainFile(t *testing.T, file string) any {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := &report{places: places{}, bad: map[string]bool{}, written: map[string]string{}}
	root := readTree(r, src)
	if root == nil {
		t.Fatal(r.faults)
	}
	d := &decoder{report: r, env: func(name string) (string, bool) { return "${" + name + "}", true }}
	return d.anything(root, "")
}

func TestTheSchemaAcceptsWhatLoadAccepts(t *testing.T) {
	schema := readSchema(t)
	for _, file := range goodFiles(t) {
		t.Run(file, func(t *testing.T) {
			if problem := conforms(plainFile(t, file), schema); problem != "" {
				t.Error(problem)
			}
		})
	}
}

func TestTheSchemaRefusesWhatItsKeywordsCanSay(t *testing.T) {
	schema := readSchema(t)
	for _, name := range []string{"unknown-key", "wrong-types", "null", "bad-duration", "closed-sets", "secret-and-its-file",
		"connection-type", "names", "match", "statuses", "no-connection-no-sync", "file-of-no-secret", "secret-of-the-wrong-type", "networks", "transitions"} {
		t.Run(name, func(t *testing.T) {
			if conforms(plainFile(t, filepath.Join("testdata/faults", name+".yaml")), schema) == "" {
				t.Error("the schema accepts it")
			}
		})
	}
}

func TestTheSchemaIsTheSameEveryTime(t *testing.T) {
	one, _ := Schema(fakeTypes)
	for range 10 {
		if other, _ := Schema(fakeTypes); !bytes.Equal(one, other) {
			t.Fatal("two calls gave two schemas")
		}
	}
}

func TestTheSchemaHasTheKeysOfTheStructsAndNoOthers(t *testing.T) {
	schema := readSchema(t)
	sameKeys(t, "", reflect.TypeFor[Config](), schema)
	kinds := schema["properties"].(object)["connections"].(object)["additionalProperties"].(object)["oneOf"].([]any)
	if len(kinds) != len(fakeTypes) {
		t.Fatalf("%d kinds of connection", len(kinds))
	}
	for i, name := range fakeTypes.names() {
		kind := kinds[i].(object)
		if got := kind["properties"].(object)["type"].(object)["const"]; got != name {
			t.Errorf("kind %d is %v, want %s", i, got, name)
		}
		sameKeys(t, name, connectionType, kind, reflect.TypeOf(fakeTypes[name]()).Elem())
	}
}

// sameKeys compares the keys of structs that stand in one mapping with those
// of a schema, and everything below them.
func sameKeys(t *testing.T, path string, typ reflect.Type, schema object, more ...reflect.Type) {
	t.Helper()
	if schema["additionalProperties"] != false {
		t.Errorf("%s: unknown keys are allowed", path)
	}
	want := map[string]reflect.Type{}
	for _, s := range append([]reflect.Type{typ}, more...) {
		fields := map[string]reflect.Value{}
		collect(fields, reflect.New(s).Elem())
		for key, v := range fields {
			want[key] = v.Type()
			if isSecret(v.Type()) {
				want[key+fileSuffix] = nil
			}
		}
	}
	properties := schema["properties"].(object)
	for key := range properties {
		if _, ok := want[key]; !ok {
			t.Errorf("%s: the schema has %s, the structs have not", path, key)
		}
	}
	for key, typ := range want {
		below, ok := properties[key]
		if choice, isObject := below.(object); isObject && typ != connectionType && choice["oneOf"] != nil && key != "connections" { // off may stand in its place
			below = choice["oneOf"].([]any)[0]
		}
		if !ok {
			t.Errorf("%s: the structs have %s, the schema has not", path, key)
			continue
		}
		if typ == nil || typ == durationType {
			continue
		}
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			s, isObject := below.(object)
			if typ.Kind() == reflect.Slice && isObject {
				below = s["items"]
			}
			if typ.Kind() == reflect.Map && isObject {
				below = s["additionalProperties"]
			}
			typ = typ.Elem()
		}
		if typ == transitionsType { // its keys are the file's, but one
			below, typ = below.(object)["additionalProperties"].(object)["oneOf"].([]any)[0], reflect.TypeFor[Transition]()
		}
		if typ.Kind() == reflect.Struct && typ != connectionType && typ != networkType {
			sameKeys(t, path+"."+key, typ, below.(object))
		}
	}
}

func TestEveryCommonKeyIsDescribed(t *testing.T) {
	var walk func(path string, v any)
	walk = func(path string, v any) {
		s, ok := v.(object)
		if !ok {
			return
		}
		properties, _ := s["properties"].(object)
		for key, below := range properties {
			if text, _ := below.(object)["description"].(string); text == "" {
				t.Errorf("%s.%s has no description", path, key)
			}
			walk(path+"."+key, below)
		}
		walk(path+"[]", s["items"])
		walk(path+".*", s["additionalProperties"])
	}
	walk("", readSchema(t))
	_, err := Schema(Types{})
	if err != nil {
		t.Error(err)
	}
}

func TestEveryDefaultIsInTheSchema(t *testing.T) {
	properties := readSchema(t)["properties"].(object)
	sync := properties["syncs"].(object)["additionalProperties"].(object)["properties"].(object)
	connection := properties["connections"].(object)["additionalProperties"].(object)["oneOf"].([]any)[0].(object)["properties"].(object)
	for _, part := range []struct {
		defaults   defaulter
		properties object
	}{
		{&Config{}, properties},
		{&Alarms{}, properties["alarms"].(object)["properties"].(object)},
		{&Connection{}, connection},
		{&Sync{}, sync},
		{&MatchRule{}, sync["match"].(object)["items"].(object)["properties"].(object)},
		{&ConflictRule{}, sync["conflict"].(object)["properties"].(object)},
		{&Digest{}, properties["notify"].(object)["properties"].(object)["slack"].(object)["properties"].(object)["digest"].(object)["properties"].(object)},
		{&SignIn{}, properties["sign_in"].(object)["properties"].(object)},
		{&OIDC{}, properties["sign_in"].(object)["properties"].(object)["oidc"].(object)["properties"].(object)},
	} {
		part.defaults.setDefaults()
		v := reflect.ValueOf(part.defaults).Elem()
		fields := map[string]reflect.Value{}
		collect(fields, v)
		for key, field := range fields {
			if field.Kind() == reflect.Struct {
				continue
			}
			want := ""
			if !field.IsZero() {
				want = fmt.Sprint(field.Interface())
				switch value := field.Interface().(type) {
				case Secret:
					want = value.Reveal()
				case time.Duration:
					want = value.String()
				}
			}
			got := ""
			if d, ok := part.properties[key].(object)["default"]; ok {
				got = fmt.Sprint(d)
			}
			if d, err := time.ParseDuration(got); err == nil {
				got = d.String() // 24h and 24h0m0s are the same
			}
			if got != want {
				t.Errorf("%s.%s: the schema says %q, the file gets %q", v.Type().Name(), key, got, want)
			}
		}
	}
}

// conforms is as much of a JSON Schema validator as the schema needs. It
// returns the first problem, or "".
func conforms(value, schema any) string {
	s, ok := schema.(object)
	if !ok {
		if schema == false {
			return "nothing is allowed here"
		}
		return ""
	}
	count := func(key string) (valid, all int, problems []string) {
		alternatives, _ := s[key].([]any)
		for _, one := range alternatives {
			if problem := conforms(value, one); problem == "" {
				valid++
			} else {
				problems = append(problems, problem)
			}
		}
		return valid, len(alternatives), problems
	}
	if valid, all, problems := count("allOf"); valid != all {
		return strings.Join(problems, ", ")
	}
	if valid, all, problems := count("oneOf"); all > 0 && valid != 1 {
		return fmt.Sprintf("%d of oneOf: %v", valid, problems)
	}
	if valid, all, problems := count("anyOf"); all > 0 && valid == 0 {
		return fmt.Sprintf("none of anyOf: %v", problems)
	}
	if not, ok := s["not"]; ok && conforms(value, not) == "" {
		return "it is what it may not be"
	}
	if want, ok := s["const"]; ok && want != value {
		return fmt.Sprintf("%v is not %v", value, want)
	}
	if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, value) {
		return fmt.Sprintf("%v is none of %v", value, enum)
	}
	kinds := map[string]bool{}
	switch v := value.(type) {
	case nil:
		kinds["null"] = true
	case string:
		kinds["string"] = true
		if pattern, ok := s["pattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(v) {
			return fmt.Sprintf("%q does not match %s", v, pattern)
		}
		if least, ok := s["minLength"].(float64); ok && float64(len(v)) < least {
			return "text is too short"
		}
	case bool:
		kinds["boolean"] = true
	case int64, float64:
		kinds["number"] = true
		f, isFloat := v.(float64)
		if !isFloat {
			kinds["integer"] = true
			f = float64(v.(int64))
		}
		if least, ok := s["minimum"].(float64); ok && f < least {
			return "number is too small"
		}
		if least, ok := s["exclusiveMinimum"].(float64); ok && f <= least {
			return "number is too small"
		}
		if most, ok := s["maximum"].(float64); ok && f > most {
			return "number is too large"
		}
	case []any:
		kinds["array"] = true
		if least, ok := s["minItems"].(float64); ok && float64(len(v)) < least {
			return "list is too short"
		}
		if items, ok := s["items"]; ok {
			for i, item := range v {
				if problem := conforms(item, items); problem != "" {
					return fmt.Sprintf("[%d]: %s", i, problem)
				}
			}
		}
	case object:
		kinds["object"] = true
		if problem := conformsObject(v, s); problem != "" {
			return problem
		}
	}
	if want, ok := s["type"].(string); ok && !kinds[want] {
		return fmt.Sprintf("expected %s, found %v", want, kinds)
	}
	return ""
}

func conformsObject(v, s object) string {
	if least, ok := s["minProperties"].(float64); ok && float64(len(v)) < least {
		return "mapping is too small"
	}
	required, _ := s["required"].([]any)
	for _, key := range required {
		if _, ok := v[key.(string)]; !ok {
			return fmt.Sprintf("%s is missing", key)
		}
	}
	properties, _ := s["properties"].(object)
	for key, below := range v {
		if names, ok := s["propertyNames"]; ok {
			if problem := conforms(key, names); problem != "" {
				return "key " + problem
			}
		}
		schema, known := properties[key]
		if !known {
			schema, known = s["additionalProperties"]
		}
		if !known {
			continue
		}
		if problem := conforms(below, schema); problem != "" {
			return key + ": " + problem
		}
	}
	return ""
}
