package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/trueup-sync/trueup/internal/status"
)

// ErrByHand means that a file is written in a way in which it cannot be edited
// without touching what is not to be touched.
var ErrByHand = errors.New("a program cannot edit the file safely")

// byHand says where a file is written so, and why; line 0 is nowhere.
func byHand(line int, why string) error {
	if line == 0 {
		return fmt.Errorf("%s: %w", why, ErrByHand)
	}
	return fmt.Errorf("line %d: %s: %w", line, why, ErrByHand)
}

// AddSourceValue returns the text of a configuration file in which a sync
// lists one more value of its source: under a status, or with status "" under
// ignore. Everything else stays as it was written, comments too. ErrByHand says
// that it has to be done by hand; Lines says what to write.
func AddSourceValue(src []byte, sync string, to status.Status, value string) ([]byte, error) {
	if value == "" || strings.Contains(value, "${") {
		return nil, byHand(0, "the value is empty or holds ${")
	}
	path := listPath(sync, to)
	// The marks are as wide as what they stand for, so every column is the file's.
	file, err := parser.ParseBytes([]byte(markReferences(strings.ReplaceAll(string(src), "\r\n", "\n"))), 0)
	if err != nil || len(file.Docs) != 1 {
		return nil, byHand(0, "the file is not a single YAML document")
	}
	at, found := lookUp(file.Docs[0].Body, path)
	var edited []byte
	switch list := at.(type) {
	case *ast.SequenceNode:
		edited, err = appendItem(src, list, value)
	case nil:
		if found || to != "" {
			return nil, byHand(0, "the file has no list "+strings.Join(path, "."))
		}
		edited, err = addIgnore(src, file.Docs[0].Body, sync, value)
	default:
		return nil, byHand(at.GetToken().Position.Line, "the value there is not a list")
	}
	if err != nil {
		return nil, err
	}
	if onlyAdded(src, edited, path, value) != nil {
		line := 0
		if at != nil {
			line = at.GetToken().Position.Line
		}
		return nil, byHand(line, "adding to the list would change other parts of the file too")
	}
	return edited, nil
}

// Lines is what AddSourceValue would write, for whoever has to do it by hand.
func Lines(sync string, to status.Status, value string) string {
	if to == "" {
		return fmt.Sprintf("syncs:\n  %s:\n    ignore: [..., %s]", sync, scalar(value))
	}
	return fmt.Sprintf("syncs:\n  %s:\n    statuses:\n      %s: {from: [..., %s], to: ...}", sync, to, scalar(value))
}

func listPath(sync string, to status.Status) []string {
	if to == "" {
		return []string{"syncs", sync, "ignore"}
	}
	return []string{"syncs", sync, "statuses", string(to), "from"}
}

// lookUp returns the value under the keys. found is false when there is none.
func lookUp(n ast.Node, keys []string) (value ast.Node, found bool) {
	for _, key := range keys {
		var next ast.Node
		found = false
		for _, v := range pairs(n) {
			if v.Key.GetToken().Value == key {
				next, found = v.Value, true
			}
		}
		if !found {
			return nil, false
		}
		n = next
	}
	return n, true
}

func pairs(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

// appendItem adds a value at the end of a list, in the list's own style.
func appendItem(src []byte, list *ast.SequenceNode, value string) ([]byte, error) {
	lines := bytes.SplitAfter(src, []byte("\n"))
	if list.IsFlowStyle {
		if list.End == nil {
			return nil, byHand(list.GetToken().Position.Line, "the list has no end")
		}
		line, column := list.End.Position.Line, list.End.Position.Column
		text := []rune(string(lines[line-1]))
		if column > len(text) || text[column-1] != ']' {
			return nil, byHand(line, "the end of the list is not where it should be")
		}
		before := strings.TrimRight(string(text[:column-1]), " ")
		separator := ", "
		if len(list.Values) == 0 {
			separator = ""
		}
		lines[line-1] = []byte(before + separator + scalar(value) + string(text[column-1:]))
		return bytes.Join(lines, nil), nil
	}
	if len(list.Values) == 0 {
		return nil, byHand(list.GetToken().Position.Line, "the list is empty")
	}
	last := list.Values[len(list.Values)-1].GetToken().Position.Line
	text := string(lines[last-1])
	indent, _, ok := strings.Cut(text, "-")
	if !ok || strings.TrimSpace(indent) != "" {
		return nil, byHand(last, "the last value of the list is not on a line of its own")
	}
	return insertLine(lines, last, indent+"- "+scalar(value)), nil
}

// addIgnore writes the key ignore in front of the sync's statuses.
func addIgnore(src []byte, body ast.Node, sync, value string) ([]byte, error) {
	return beforeStatuses(src, body, sync, "ignore: ["+scalar(value)+"]")
}

// beforeStatuses writes a line in front of the sync's statuses.
func beforeStatuses(src []byte, body ast.Node, sync, text string) ([]byte, error) {
	inner, _ := lookUp(body, []string{"syncs", sync})
	for _, v := range pairs(inner) {
		if v.Key.GetToken().Value != "statuses" {
			continue
		}
		lines := bytes.SplitAfter(src, []byte("\n"))
		line := v.Key.GetToken().Position.Line
		indent, _, ok := strings.Cut(string(lines[line-1]), "statuses")
		if !ok || strings.TrimSpace(indent) != "" {
			return nil, byHand(line, "statuses does not begin a line")
		}
		return insertLine(lines, line-1, indent+text), nil
	}
	return nil, byHand(0, "the sync has no statuses")
}

// insertLine adds a line after the n-th, with the file's line ending.
func insertLine(lines [][]byte, n int, text string) []byte {
	ending := "\n"
	if bytes.HasSuffix(lines[0], []byte("\r\n")) {
		ending = "\r\n"
	}
	if n > 0 && !bytes.HasSuffix(lines[n-1], []byte("\n")) {
		lines[n-1] = append(slices.Clone(lines[n-1]), ending...)
	}
	return bytes.Join(slices.Insert(lines, n, []byte(text+ending)), nil)
}

// plain is what YAML reads as the text that it is.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)

// Scalar writes a text so that YAML reads it as the same text, within brackets too.
func Scalar(value string) string { return scalar(value) }

// scalar writes a text so that YAML reads it as the same text.
func scalar(value string) string {
	word := slices.Contains([]string{"true", "false", "yes", "no", "on", "off", "null", "y", "n"}, strings.ToLower(value))
	if plain.MatchString(value) && !word {
		return value
	}
	quoted, err := json.Marshal(value) // a JSON string is a YAML string
	if err != nil {
		return value // a Go string can always be written as JSON
	}
	return string(quoted)
}

// onlyAdded makes sure that the edit did what it was to do and nothing else.
func onlyAdded(before, after []byte, path []string, value string) error {
	read := func(src []byte) (*node, bool) {
		r := &report{places: places{}, bad: map[string]bool{}, written: map[string]string{}}
		n := readTree(r, src)
		return n, n != nil && len(r.faults) == 0
	}
	was, ok1 := read(before)
	is, ok2 := read(after)
	if !ok1 || !ok2 {
		return ErrByHand
	}
	was.extend(path, value)
	if !was.same(is) {
		return ErrByHand
	}
	return nil
}

// extend adds a value to the list under the keys.
func (n *node) extend(keys []string, value string) {
	if len(keys) == 0 {
		n.kind = list
		n.items = append(n.items, &node{kind: text, text: value})
		return
	}
	for _, f := range n.fields {
		if f.key == keys[0] {
			f.value.extend(keys[1:], value)
			return
		}
	}
	fresh := &node{kind: list}
	n.fields = append(n.fields, field{key: keys[0], value: fresh})
	fresh.extend(keys[1:], value)
}

// same reports whether two trees mean the same, whatever the order of keys.
func (n *node) same(o *node) bool {
	if n.kind != o.kind || n.text != o.text || len(n.items) != len(o.items) || len(n.fields) != len(o.fields) {
		return false
	}
	for i := range n.items {
		if !n.items[i].same(o.items[i]) {
			return false
		}
	}
	for _, f := range n.fields {
		i := slices.IndexFunc(o.fields, func(g field) bool { return g.key == f.key })
		if i < 0 || !f.value.same(o.fields[i].value) {
			return false
		}
	}
	return true
}
