package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	maxFile  = 1 << 20 // bytes
	maxDepth = 64
)

var quotedPiece = regexp.MustCompile(`:? ?"(\\.|[^"\\])*"`)

// kind is what a node of the file is, in the words faults use.
type kind string

const (
	empty   kind = "nothing"
	text    kind = "text"
	number  kind = "a number"
	boolean kind = "true or false"
	list    kind = "a list"
	mapping kind = "a mapping"
	// refused is a node that was reported while the tree was read.
	refused kind = "refused"
)

// node is one value of the file, reduced to what a configuration may hold.
type node struct {
	kind   kind
	line   int
	text   string // a scalar as it was written
	quoted bool
	number any // int64, uint64 or float64
	items  []*node
	fields []field
}

// field is one key of a mapping, in file order; keys are unique.
type field struct {
	key   string
	line  int
	value *node
}

// readTree returns the file's top mapping, or nil when nothing of it can be
// read. It reports whatever is not allowed in the file as YAML.
func readTree(r *report, src []byte) *node {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	// YAML reads every line ending as \n; the parser does too, but counts the
	// lines of a \r\n file wrongly after a text of several lines.
	src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	src = bytes.ReplaceAll(src, []byte("\r"), []byte("\n"))
	if len(src) > maxFile {
		r.unreadable(1, "", "the file is larger than 1 MiB", "a configuration is usually a few hundred lines")
		return nil
	}
	if line := badText(src); line > 0 {
		r.unreadable(line, "", "it contains a character that is not text", "save the file as UTF-8")
		return nil
	}
	file, err := parser.ParseBytes([]byte(markReferences(string(src))), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, problem := 1, "it cannot be read"
		// The library's own text shows the lines around the fault, and its
		// message sometimes a piece of them: either may be a secret.
		var syntax yaml.Error
		if errors.As(err, &syntax) {
			problem = strings.ReplaceAll(quotedPiece.ReplaceAllString(syntax.GetMessage(), ""), "\t", `\t`)
			if tk := syntax.GetToken(); tk != nil && tk.Position != nil {
				line = tk.Position.Line
			}
		}
		r.unreadable(line, "", "not valid YAML: "+problem, "check the indentation and quotes of this line and the one before")
		return nil
	}
	var docs []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.DirectiveType {
			docs = append(docs, doc.Body)
		}
	}
	switch len(docs) {
	case 0:
		r.unreadable(1, "", "the file is empty", "start from the example that trueup config example prints")
		return nil
	case 1:
	default:
		r.add(lineOf(docs[1]), "", "a second document starts here", "remove the --- line: a file holds one configuration")
	}
	root := (&treeReader{r}).node(docs[0], "", 0)
	if root.kind != mapping {
		if root.kind != refused {
			r.unreadable(root.line, "", "expected keys such as connections and syncs, found "+string(root.kind), "start from the example that trueup config example prints")
		}
		return nil
	}
	return root
}

// badText returns the first line that is no clean UTF-8, or 0.
func badText(src []byte) int {
	line := 1
	for len(src) > 0 {
		c, size := utf8.DecodeRune(src)
		switch {
		case c == '\n':
			line++
		case c == utf8.RuneError && size == 1, c == openMark, c == closeMark,
			unicode.IsControl(c) && c != '\t':
			return line
		}
		src = src[size:]
	}
	return 0
}

type treeReader struct{ *report }

func (t *treeReader) node(n ast.Node, path string, depth int) *node {
	out := &node{kind: refused, line: lineOf(n)}
	refuse := func(problem, remedy string) *node {
		t.unreadable(out.line, path, problem, remedy)
		return out
	}
	if depth > maxDepth {
		return refuse(fmt.Sprintf("it is nested deeper than %d levels", maxDepth), "use fewer levels")
	}
	switch n := n.(type) {
	case nil, *ast.NullNode:
		out.kind = empty
	case *ast.StringNode:
		out.kind, out.text = text, unmark(n.Value)
		tk := n.GetToken().Type
		out.quoted = tk == token.SingleQuoteType || tk == token.DoubleQuoteType
	case *ast.LiteralNode:
		out.kind, out.text, out.quoted = text, unmark(n.Value.Value), true
	case *ast.IntegerNode:
		out.kind, out.text, out.number = number, n.Token.Value, n.Value
	case *ast.FloatNode:
		out.kind, out.text, out.number = number, n.Token.Value, n.Value
	case *ast.InfinityNode, *ast.NanNode:
		return refuse("expected a finite number, found "+n.GetToken().Value, "write a number such as 0.8")
	case *ast.BoolNode:
		out.kind, out.text = boolean, strconv.FormatBool(n.Value)
	case *ast.SequenceNode:
		out.kind = list
		for i, item := range n.Values {
			itemPath := fmt.Sprintf("%s[%d]", path, i)
			t.places[itemPath] = lineOf(item)
			out.items = append(out.items, t.node(item, itemPath, depth+1))
		}
	case *ast.MappingNode:
		out.kind, out.fields = mapping, t.fields(n.Values, path, depth)
	case *ast.MappingValueNode:
		out.kind, out.fields = mapping, t.fields([]*ast.MappingValueNode{n}, path, depth)
	case *ast.AnchorNode, *ast.AliasNode:
		return refuse("anchors (&) and aliases (*) are not supported", "write the value out, or put it in quotes if it is text")
	case *ast.TagNode:
		return refuse("tags (!) are not supported", "remove the tag, or put the value in quotes if it is text")
	default:
		return refuse("this kind of YAML is not supported", "write a plain value, list or mapping")
	}
	return out
}

func (t *treeReader) fields(values []*ast.MappingValueNode, path string, depth int) []field {
	var out []field
	first := map[string]int{}
	for _, v := range values {
		line := lineOf(v.Key)
		key, problem, remedy := readKey(v.Key)
		if problem != "" {
			t.add(line, path, problem, remedy)
			continue
		}
		keyPath := join(path, key)
		if other, ok := first[key]; ok {
			t.add(line, keyPath, fmt.Sprintf("the key is written twice, first on line %d", other), "keep one of them")
			continue
		}
		first[key] = line
		t.places[keyPath] = line
		out = append(out, field{key: key, line: line, value: t.node(v.Value, keyPath, depth+1)})
	}
	return out
}

func readKey(n ast.MapKeyNode) (key, problem, remedy string) {
	switch n := n.(type) {
	case *ast.MergeKeyNode:
		return "", "merge keys (<<) are not supported", "write the keys out"
	case *ast.StringNode:
		key = unmark(n.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		// Status words and key names are text whatever they look like.
		key = n.GetToken().Value
	default:
		return "", "a key must be plain text", "write it as `key: value`"
	}
	if strings.Contains(key, "${") {
		return "", "keys are not replaced from the environment", "write the key out"
	}
	return key, "", ""
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 1
	}
	return max(n.GetToken().Position.Line, 1)
}

// join appends a key to a path. A key that would not print as itself is quoted.
func join(path, key string) string {
	if key == "" || strings.ContainsFunc(key, func(c rune) bool { return !unicode.IsPrint(c) }) {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// cut shortens foreign text for a fault and quotes it.
func cut(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return strconv.Quote(s)
}
