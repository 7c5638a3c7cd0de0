package docs

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The table of api.md has each operation of openapi.json, and no other.
func TestEachRouteOfTheAPIIsInItsTable(t *testing.T) {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &api); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n## Routes\n")
	table, _, _ = strings.Cut(table, "\n## ")
	told := map[string]bool{}
	quoted := regexp.MustCompile("`(?:([A-Z]+) )?(/[^`?]*)[^`]*`")
	for line := range strings.Lines(table) {
		row, is := strings.CutPrefix(line, "| ")
		if !is {
			continue
		}
		route, _, _ := strings.Cut(row, " | ")
		method := ""
		for _, found := range quoted.FindAllStringSubmatch(route, -1) {
			if found[1] != "" {
				method = found[1]
			}
			told[method+" "+found[2]] = true
		}
	}
	for path, operations := range api.Paths {
		for method := range operations {
			route := strings.ToUpper(method) + " " + path
			if !told[route] {
				t.Errorf("%s is not in the table", route)
			}
			delete(told, route)
		}
	}
	for route := range told {
		t.Errorf("there is no %s", route)
	}
}
