package config

import (
	"bytes"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// SetMode returns the text of a configuration file in which a sync has a mode, live
// or watch. Everything else stays as it was written, comments too. ErrByHand says
// that it has to be done by hand.
func SetMode(src []byte, sync, mode string) ([]byte, error) {
	path := []string{"syncs", sync, "mode"}
	// The marks are as wide as what they stand for, so every column is the file's.
	file, err := parser.ParseBytes([]byte(markReferences(strings.ReplaceAll(string(src), "\r\n", "\n"))), 0)
	if err != nil || len(file.Docs) != 1 {
		return nil, byHand(0, "the file is not a single YAML document")
	}
	at, found := lookUp(file.Docs[0].Body, path)
	var edited []byte
	switch word := at.(type) {
	case *ast.StringNode:
		edited, err = replaceWord(src, word.GetToken(), mode)
	case nil:
		if found {
			return nil, byHand(0, "mode has no value")
		}
		edited, err = beforeStatuses(src, file.Docs[0].Body, sync, "mode: "+mode)
	default:
		return nil, byHand(at.GetToken().Position.Line, "mode is not a plain word")
	}
	if err != nil {
		return nil, err
	}
	was, is := treeOf(src), treeOf(edited)
	if was == nil || is == nil || !was.with(path, mode).same(is) {
		return nil, byHand(0, "setting mode would change other parts of the file too")
	}
	return edited, nil
}

// replaceWord writes another word in place of one, in the same quotes.
func replaceWord(src []byte, old *token.Token, word string) ([]byte, error) {
	lines := bytes.SplitAfter(src, []byte("\n"))
	line, column := old.Position.Line, old.Position.Column-1
	text := []rune(string(lines[line-1]))
	if column < len(text) && (text[column] == '"' || text[column] == '\'') {
		column++
	}
	end := column + len([]rune(old.Value))
	if end > len(text) || string(text[column:end]) != old.Value {
		return nil, byHand(line, "the word is not where it should be")
	}
	lines[line-1] = []byte(string(text[:column]) + word + string(text[end:]))
	return bytes.Join(lines, nil), nil
}

// treeOf is a file's tree, nil when it has faults as YAML.
func treeOf(src []byte) *node {
	r := &report{places: places{}, bad: map[string]bool{}, written: map[string]string{}}
	n := readTree(r, src)
	if len(r.faults) > 0 {
		return nil
	}
	return n
}

// with sets the text under the keys.
func (n *node) with(keys []string, value string) *node {
	at := n
	for _, key := range keys {
		at = at.under(key)
	}
	*at = node{kind: text, text: value}
	return n
}

// under returns the node of a key, which is added where it is missing.
func (n *node) under(key string) *node {
	for _, f := range n.fields {
		if f.key == key {
			return f.value
		}
	}
	fresh := &node{kind: mapping}
	n.fields = append(n.fields, field{key: key, value: fresh})
	return fresh
}
