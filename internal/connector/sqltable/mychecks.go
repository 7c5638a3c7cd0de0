package sqltable

import (
	"regexp"
	"strings"
)

// checks asks for the table as its owner wrote it: MariaDB shows what a check
// constraint says nowhere else to a user who has columns of the table alone.
func (d myDialect) checks(schema, table string) string {
	return "show create table " + d.quote(schema) + "." + d.quote(table)
}

// checked are the texts that a check constraint of the column alone lists:
// CHECK (`status` in ('Active','Paused')), where null may be allowed beside. MySQL
// writes the character set before each text.
func (d myDialect) checked(ddl, column string) (lists [][]string) {
	const text = `(?:_[a-z0-9]+)?'(?:[^'\\]|''|\\.)*'`
	name := regexp.QuoteMeta(d.quote(column))
	listed := regexp.MustCompile(`(?im)CHECK \(\(*` + name + ` in \((` + text + `(?:, ?` + text + `)*)\)(?:\)* or \(*` + name + ` is null)?\)+,?$`)
	item := regexp.MustCompile(text)
	for _, found := range listed.FindAllStringSubmatch(ddl, -1) {
		var words []string
		for _, quoted := range item.FindAllString(found[1], -1) {
			word, ok := unescaped(quoted[strings.Index(quoted, "'")+1 : len(quoted)-1])
			if !ok {
				words = nil
				break
			}
			words = append(words, word)
		}
		if words != nil {
			lists = append(lists, words)
		}
	}
	return lists
}

// unescaped is a text as it is, without the escapes of a quote and a backslash. What
// has another escape is not guessed.
func unescaped(quoted string) (text string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(quoted); i++ {
		c := quoted[i]
		if c == '\'' || c == '\\' {
			if i++; i == len(quoted) || quoted[i] != '\'' && (c == '\'' || quoted[i] != '\\') {
				return "", false
			}
			c = quoted[i]
		}
		b.WriteByte(c)
	}
	return b.String(), true
}
