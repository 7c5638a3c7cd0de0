package mapchange

import (
	"strings"

	"trueup/internal/contract"
)

// around is how many lines are shown before and after those that change.
const around = 2

// lines are those in which two texts differ, with a few around them. One of the
// texts has at most a line more.
func lines(before, after string) []contract.FileLine {
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	first := 0
	for first < min(len(was), len(is)) && was[first] == is[first] {
		first++
	}
	last := 0 // counted from the end
	for last < min(len(was), len(is))-first && was[len(was)-1-last] == is[len(is)-1-last] {
		last++
	}
	var all []contract.FileLine
	add := func(change string, from int, texts []string) {
		for i, text := range texts {
			all = append(all, contract.FileLine{Number: from + i + 1, Change: change, Text: strings.TrimSuffix(text, "\r")})
		}
	}
	begin := max(0, first-around)
	add(contract.LineSame, begin, is[begin:first])
	add(contract.LineRemoved, first, was[first:len(was)-last])
	add(contract.LineAdded, first, is[first:len(is)-last])
	end := len(is) - last
	add(contract.LineSame, end, is[end:min(len(is), end+around)])
	return all
}
