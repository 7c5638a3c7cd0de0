package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// plannedTypes are the connection types of the public contract.
var plannedTypes = []string{"gohighlevel", "hubspot", "http", "make", "slack", "sql", "stripe"}

func (t Types) names() []string { return slices.Sorted(maps.Keys(t)) }

// keyOf returns the key a struct field has in the file, "" for none, and
// whether its own fields stand in its place. A field without a yaml tag has no
// key: what a file may hold is always written out.
func keyOf(f reflect.StructField) (key string, inline bool) {
	key, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if key == "-" {
		return "", false
	}
	return key, options == "inline"
}

// collect adds the fields of the struct v by key. The first struct to claim a
// key keeps it.
func collect(into map[string]reflect.Value, v reflect.Value) {
	for i := range v.NumField() {
		key, inline := keyOf(v.Type().Field(i))
		if inline {
			collect(into, v.Field(i))
			continue
		}
		if _, taken := into[key]; key != "" && !taken {
			into[key] = v.Field(i)
		}
	}
}

// restOf returns the map of a struct that takes the keys which are none of its
// fields' own, each with keys below it. Its tag is ",rest".
func restOf(structs ...reflect.Value) (rest reflect.Value, ok bool) {
	for _, v := range structs {
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("yaml") == ",rest" {
				return v.Field(i), true
			}
		}
	}
	return reflect.Value{}, false
}

// fieldNames lists the keys of the structs in the order of their fields.
func fieldNames(structs ...reflect.Value) []string {
	var names []string
	for _, v := range structs {
		for i := range v.NumField() {
			key, inline := keyOf(v.Type().Field(i))
			switch {
			case inline:
				names = append(names, fieldNames(v.Field(i))...)
			case key != "":
				names = append(names, key)
			}
		}
	}
	return names
}

func isSecret(t reflect.Type) bool { return t == secretType || t == secretsType }

// lastKey returns the key at the end of a path, that of the list for an item.
func lastKey(path string) string {
	if strings.HasSuffix(path, "]") {
		path = parent(path)
	}
	return path[strings.LastIndexByte(path, '.')+1:]
}

// closest returns the name a misspelt one was probably meant to be, or "".
func closest(word string, names []string) string {
	best, least := "", max(1, len(word)/3)+1
	for _, name := range names {
		if n := edits([]rune(word), []rune(name)); n < least {
			best, least = name, n
		}
	}
	return best
}

// edits counts the letters to insert, remove, replace or swap with their
// neighbour to make b out of a.
func edits(a, b []rune) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range b {
		rows[0][j+1] = j + 1
	}
	for i := range a {
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			least := min(rows[i][j+1]+1, rows[i+1][j]+1, rows[i][j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				least = min(least, rows[i-1][j-1]+1)
			}
			rows[i+1][j+1] = least
		}
	}
	return rows[len(a)][len(b)]
}
