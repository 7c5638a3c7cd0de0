// Package plain lists the words that no text of the product uses, each with the
// plain American word to use instead. The tests of every package with texts for
// people check them with it.
//
// Main function: Find.
//
// It imports nothing of ours, and only tests import it.
package plain

import (
	"fmt"
	"regexp"
	"strings"
)

// Marks are the words to avoid and what to write instead. A mark is matched as
// whole words, in any case.
var Marks = []struct{ Mark, Instead string }{
	{"anew", "again"},
	{"any more", "no longer"},
	{"are to be", "will be, must be"},
	{"by itself", "automatically"},
	{"by themselves", "automatically"},
	{"for ever", "permanently"},
	{"for good", "permanently"},
	{"goes on", "continues"},
	{"gone on", "continued"},
	{"how it stands", "its status"},
	{"how they stand", "their status"},
	{"is no number", "is not a valid number"},
	{"is no time", "is not a valid time"},
	{"is to be", "will be, must be"},
	{"look at", "read, check"},
	{"looked at", "read, checked"},
	{"looks at", "reads, checks"},
	{"nobody", "no one"},
	{"nobody's", "no one's"},
	{"not after", "by"},
	{"not before", "since, or later"},
	{"otherwise than", "differently from"},
	{"somebody", "someone"},
	{"unless said", "by default"},
	{"was to be", "would be"},
	{"were to be", "would be"},
	{"whoever", "anyone who"},
	{"whom", "(turn the sentence around)"},
	{"whose turn", "(turn the sentence around)"},
}

var marks = func() *regexp.Regexp {
	all := make([]string, len(Marks))
	for i, m := range Marks {
		all[i] = strings.ReplaceAll(regexp.QuoteMeta(m.Mark), " ", `\s+`) // a line may end within it
	}
	return regexp.MustCompile(`(?i)\b(?:` + strings.Join(all, "|") + `)\b`)
}()

// Find returns a line for each mark in a text: the mark, and what to write
// instead.
func Find(text string) []string {
	var found []string
	for _, mark := range marks.FindAllString(text, -1) {
		for _, m := range Marks {
			if strings.EqualFold(strings.Join(strings.Fields(mark), " "), m.Mark) {
				found = append(found, fmt.Sprintf("%q: write %s", m.Mark, m.Instead))
			}
		}
	}
	return found
}
