package store

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// texts is an expression of a statement that is a text, and the same text with the
// letters of English in lower case.
type texts struct{ exact, lower string }

// textsOf are columns as one text. SQLite takes capitals for small letters in a
// comparison as it is.
func (d *dialect) textsOf(columns []string) texts {
	all := "(" + strings.Join(columns, " || ") + ")"
	if d.name == "sqlite" {
		return texts{all, all}
	}
	return texts{all, "lower(" + all + ` collate "C")`} // by no language's rules
}

// holdsOne is a condition that is true of each text in which a namer finds one of
// the names, and of few others. It returns the arguments with those of the condition.
//
// No index finds a name within a text, so each text is still looked at, but by the
// database: reading it here takes many times as long.
func holdsOne(names []string, in texts, args []any) (string, []any) {
	either, all := []string{}, slices.Clone(args)
	for _, name := range names {
		pattern, folded := patternOf(name)
		if pattern == "" {
			return "true", args
		}
		text := in.exact
		if folded {
			text = in.lower
		}
		all = append(all, pattern)
		either = append(either, fmt.Sprintf("%s like $%d", text, len(all)))
	}
	if len(either) == 0 {
		return "false", args
	}
	return "(" + strings.Join(either, " or ") + ")", all
}

// patternOf is what each text is like in which a name is found, "" for a name of
// which nothing is certain: the parts that JSON and web addresses spell as they are.
// folded says that the text may have them in capitals, which is so for a person's
// address; a letter with a third form, as K has, is in no part then.
func patternOf(name string) (pattern string, folded bool) {
	folded = strings.Contains(name, "@")
	parts := strings.FieldsFunc(name, func(r rune) bool {
		if r > unicode.MaxASCII || folded && unicode.SimpleFold(unicode.SimpleFold(r)) != r {
			return true
		}
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.~", r)
	})
	if len(parts) == 0 {
		return "", folded
	}
	pattern = "%" + strings.Join(parts, "%") + "%"
	if folded {
		pattern = strings.ToLower(pattern)
	}
	return pattern, folded
}
