// Package mutate changes one thing at a time in a source file, so that it can be
// seen whether a test notices.
//
// Main type: Mutant. Main function: Of.
//
// Invariants: the same source gives the same mutants in the same order; a mutant
// differs from its source in one place.
//
// It imports nothing of ours.
package mutate

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
)

// Mutant is a source with one change.
type Mutant struct {
	Line     int
	Was, Now string
	Source   []byte
}

var comparisons = map[token.Token]token.Token{
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LSS: token.LEQ, token.LEQ: token.LSS,
	token.GTR: token.GEQ, token.GEQ: token.GTR, token.LAND: token.LOR, token.LOR: token.LAND,
}

// Of returns all mutants of a file: comparisons and && and || changed, conditions
// negated, time.Add left out, Before and After swapped for each other, and the
// only return of an if without else left out.
func Of(name string, source []byte) ([]Mutant, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, 0)
	if err != nil {
		return nil, err
	}
	at := func(p token.Pos) int { return files.Position(p).Offset }
	var all []Mutant
	change := func(from, to token.Pos, now string) {
		a, b := at(from), at(to)
		all = append(all, Mutant{files.Position(from).Line, string(source[a:b]), now, slices.Concat(source[:a], []byte(now), source[b:])})
	}
	text := func(n ast.Node) string { return string(source[at(n.Pos()):at(n.End())]) }
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if now, ok := comparisons[n.Op]; ok {
				change(n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), now.String())
			}
		case *ast.IfStmt:
			change(n.Cond.Pos(), n.Cond.End(), "!("+text(n.Cond)+")")
			if len(n.Body.List) == 1 && n.Else == nil {
				if r, ok := n.Body.List[0].(*ast.ReturnStmt); ok {
					change(r.Pos(), r.End(), "")
				}
			}
		case *ast.CallExpr:
			called, ok := n.Fun.(*ast.SelectorExpr)
			if !ok || len(n.Args) != 1 {
				break
			}
			switch called.Sel.Name {
			case "Add":
				change(called.X.End(), n.End(), "")
			case "After":
				change(called.Sel.Pos(), called.Sel.End(), "Before")
			case "Before":
				change(called.Sel.Pos(), called.Sel.End(), "After")
			}
		}
		return true
	})
	return all, nil
}
