package reason

import (
	"fmt"
	"strings"
)

// mostSaid is how many records a sentence names.
const mostSaid = 5

// SetAside says that a list has records that cannot be read, and what is not known
// because of it. ids are those of the first ones, "" where one has none that can be
// read, and problem is what is wrong with the first.
func SetAside(n int, connection string, ids []string, problem string) string {
	var named []string
	for _, id := range ids[:min(len(ids), mostSaid)] {
		if id != "" {
			named = append(named, id)
		}
	}
	text, they := fmt.Sprintf("%d records of %s cannot be read and are not compared", n, connection), "the first: "
	if n == 1 {
		text, they = "1 record of "+connection+" cannot be read and is not compared", ""
	}
	if len(named) > 0 {
		text += ": " + strings.Join(named, ", ")
		if more := n - len(named); more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
	}
	if problem != "" {
		text += " (" + they + problem + ")"
	}
	return text
}
