package store

import (
	"fmt"
	"regexp"
)

// statement is a statement whose parameters have names, for those with many.
type statement struct {
	text   string   // with $N
	params []string // the name of each
}

var parameter = regexp.MustCompile(`:[a-z_]+`)

// named reads a statement in which a parameter is written :name.
func named(text string) (s statement) {
	numbers := map[string]int{}
	s.text = parameter.ReplaceAllStringFunc(text, func(name string) string {
		n, ok := numbers[name]
		if !ok {
			s.params = append(s.params, name[1:])
			n = len(s.params)
			numbers[name] = n
		}
		return fmt.Sprintf("$%d", n)
	})
	return s
}

// args are the values in the statement's order. A name too many or too few is a
// mistake in the code.
func (s statement) args(values map[string]any) []any {
	all := make([]any, len(s.params))
	for i, name := range s.params {
		value, ok := values[name]
		if !ok {
			panic("no value for :" + name)
		}
		all[i] = value
	}
	if len(values) != len(all) {
		panic("a value for no parameter")
	}
	return all
}
