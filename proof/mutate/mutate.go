// Package mutate changes one thing at a time in a source file, so that it can be
// seen whether a test notices.
//
// Main type: Mutant. Main functions: Of, which finds the changes, and All, which
// writes them all into one source: one build then tries each of them.
//
// Invariants: the same source gives the same mutants in the same order; a mutant
// differs from its source in one place, and compiles wherever its source does.
//
// It imports nothing of ours.
package mutate

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// Mutant is one change in the body of a function.
type Mutant struct {
	Line     int
	Was, Now string // its lines before and after, as one line
	from, to int
	text     string
	body     *ast.BlockStmt
	returns  bool // the function returns something
}

var comparisons = map[token.Token]token.Token{
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LSS: token.LEQ, token.LEQ: token.LSS,
	token.GTR: token.GEQ, token.GEQ: token.GTR, token.LAND: token.LOR, token.LOR: token.LAND,
}

// Of returns all mutants of a file: comparisons and && and || changed,
// conditions negated, what time.Add adds left out, Before and After swapped for
// each other, and the only return of an if without else left out.
func Of(name string, source []byte) ([]Mutant, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var all []Mutant
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			m := finder{source: source, base: files.File(f.Pos()).Base(), of: Mutant{body: f.Body, returns: f.Type.Results.NumFields() > 0}}
			ast.Inspect(f.Body, m.find)
			all = append(all, m.found...)
		}
	}
	return all, nil
}

type finder struct {
	source []byte
	base   int
	of     Mutant
	found  []Mutant
}

func (m *finder) find(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if now, ok := comparisons[n.Op]; ok {
			m.change(n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), now.String())
		}
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			m.change(n.Pos(), n.X.Pos(), "")
		}
	case *ast.IfStmt:
		m.change(n.Cond.Pos(), n.Cond.End(), "!("+m.text(n.Cond)+")")
		if len(n.Body.List) == 1 && n.Else == nil {
			if r, ok := n.Body.List[0].(*ast.ReturnStmt); ok {
				m.changeIn(n, r.Pos(), r.End(), "if false { "+m.text(r)+" }")
			}
		}
	case *ast.CallExpr:
		called, ok := n.Fun.(*ast.SelectorExpr)
		if !ok || len(n.Args) != 1 {
			break
		}
		switch called.Sel.Name {
		case "Add":
			m.change(n.Args[0].Pos(), n.Args[0].End(), "0*("+m.text(n.Args[0])+")")
		case "After":
			m.change(called.Sel.Pos(), called.Sel.End(), "Before")
		case "Before":
			m.change(called.Sel.Pos(), called.Sel.End(), "After")
		}
	}
	return true
}

func (m *finder) text(n ast.Node) string {
	return string(m.source[int(n.Pos())-m.base : int(n.End())-m.base])
}

func (m *finder) change(from, to token.Pos, now string) { m.changed(from, from, to, to, now) }

// changeIn shows the whole statement that the change is in.
func (m *finder) changeIn(n ast.Node, from, to token.Pos, now string) {
	m.changed(n.Pos(), from, to, n.End(), now)
}

func (m *finder) changed(first, from, to, last token.Pos, now string) {
	c := m.of
	c.from, c.to, c.text = int(from)-m.base, int(to)-m.base, now
	begin := bytes.LastIndexByte(m.source[:int(first)-m.base], '\n') + 1
	end := int(last) - m.base
	end += bytes.IndexByte(m.source[end:], '\n')
	line := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	c.Line = bytes.Count(m.source[:c.from], []byte("\n")) + 1
	c.Was = line(string(m.source[begin:end]))
	c.Now = line(string(m.source[begin:c.from]) + now + string(m.source[c.to:end]))
	m.found = append(m.found, c)
}

// All returns the source with all of its mutants: each function begins with a
// switch over the variable chosen, whose case n is its body with the change of
// the n-th mutant, counted from first.
func All(source []byte, mutants []Mutant, chosen string, first int) []byte {
	var out bytes.Buffer
	at := 0
	for k := 0; k < len(mutants); {
		body := mutants[k].body
		begin, end := mutants[k].bounds()
		out.Write(source[at : begin+1])
		fmt.Fprintf(&out, "\nswitch %s {\n", chosen)
		for ; k < len(mutants) && mutants[k].body == body; k++ {
			m := mutants[k]
			fmt.Fprintf(&out, "case %d:\n%s%s%s\n", first+k, source[begin+1:m.from], m.text, source[m.to:end])
			if !m.returns {
				out.WriteString("return\n")
			}
		}
		out.WriteString("}\n")
		at = begin + 1
	}
	out.Write(source[at:])
	return out.Bytes()
}

// bounds are the places of the braces around the function's body. A file that is
// parsed alone begins at position 1.
func (m Mutant) bounds() (begin, end int) { return int(m.body.Lbrace) - 1, int(m.body.Rbrace) - 1 }
