package mapchange

import (
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
)

// around is how many lines are shown before and after those that change.
const around = 2

// lines are those in which two texts differ, with a few around them, without the
// secrets of the files that they are. One of the texts has at most a line more.
func lines(before, after string, old, fresh *config.Config) []contract.FileLine {
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
	add := func(change string, from int, texts []string, shown []config.ShownLine) {
		for i, text := range texts {
			if from+i < len(shown) {
				text = shown[from+i].Text
			}
			all = append(all, contract.FileLine{Number: from + i + 1, Change: change, Text: strings.TrimSuffix(text, "\r")})
		}
	}
	begin := max(0, first-around)
	add(contract.LineSame, begin, is[begin:first], fresh.Shown)
	add(contract.LineRemoved, first, was[first:len(was)-last], old.Shown)
	add(contract.LineAdded, first, is[first:len(is)-last], fresh.Shown)
	end := len(is) - last
	add(contract.LineSame, end, is[end:min(len(is), end+around)], fresh.Shown)
	return all
}
