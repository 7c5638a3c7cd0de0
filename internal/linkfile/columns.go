package linkfile

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Names are the columns by the names of their heads, as a person gives them; "" is to be
// found out.
type Names struct{ Sync, Source, Target string }

// ParseNames reads source=HEAD,target=HEAD,sync=HEAD. A head may have commas.
func ParseNames(text string) (n Names, err error) {
	places := nameKey.FindAllStringSubmatchIndex(text, -1)
	if text == "" {
		return n, nil
	}
	if len(places) == 0 || places[0][0] != 0 {
		return n, fmt.Errorf("--columns %q does not begin with source=, target= or sync=", text)
	}
	for i, at := range places {
		end := len(text)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		head := strings.TrimSpace(text[at[1]:end])
		switch text[at[2]:at[3]] {
		case "source":
			n.Source = head
		case "target":
			n.Target = head
		default:
			n.Sync = head
		}
	}
	return n, nil
}

var nameKey = regexp.MustCompile(`(?:^|,)(source|target|sync)=`)

// Columns is which column is which, from 0; Sync is -1 when the file has none.
type Columns struct {
	Sync, Source, Target int
	// Head is the first line.
	Head []string
	// Guessed says that source and target were found out.
	Guessed bool
}

// Tools are the words by which the head of a column can name a side.
type Tools struct{ Source, Target []string }

// own are the heads of a file that Trueup has exported.
var own = Names{Sync: "sync", Source: "customer", Target: "target_id"}

// find says which column is which.
func find(head []string, n Names, tools Tools) (c Columns, err error) {
	c = Columns{Sync: -1, Source: -1, Target: -1, Head: head}
	if n.Source == "" && n.Target == "" && exact(head, own.Source) >= 0 && exact(head, own.Target) >= 0 {
		n.Source, n.Target = own.Source, own.Target
	}
	if n.Sync == "" && exact(head, own.Sync) >= 0 {
		n.Sync = own.Sync
	}
	for _, one := range []struct {
		name string
		to   *int
	}{{n.Sync, &c.Sync}, {n.Source, &c.Source}, {n.Target, &c.Target}} {
		if one.name == "" {
			continue
		}
		if *one.to, err = column(head, one.name); err != nil {
			return c, err
		}
	}
	if c.Source < 0 || c.Target < 0 {
		c.Guessed = true
		if err := c.guess(tools); err != nil {
			return c, err
		}
	}
	if c.Source == c.Target || c.Sync == c.Source || c.Sync == c.Target {
		return c, fmt.Errorf("one column cannot be two: %s", quote(head[c.Source]))
	}
	return c, nil
}

func exact(head []string, name string) int { return slices.Index(head, name) }

// column returns the column of a head, as it is written or but for its case.
func column(head []string, name string) (int, error) {
	var same []int
	for i, h := range head {
		if h == name {
			same = append(same, i)
		}
	}
	for i, h := range head {
		if len(same) == 0 && strings.EqualFold(h, name) {
			same = []int{i}
		}
	}
	switch len(same) {
	case 1:
		return same[0], nil
	case 0:
		return -1, fmt.Errorf("line 1: there is no column %s; the columns are %s", quote(name), quotes(head))
	}
	return -1, fmt.Errorf("line 1: %d columns are called %s; rename one", len(same), quote(name))
}

var (
	sourceWords = []string{"customer", "customerid", "source", "sourceid"}
	targetWords = []string{"target", "targetid", "record", "recordid", "contact", "contactid"}
)

// guess finds the columns whose heads name a side, where there is one for each and no
// doubt.
func (c *Columns) guess(tools Tools) error {
	source, target := c.naming(sourceWords, tools.Source, tools.Target), c.naming(targetWords, tools.Target, tools.Source)
	if c.Source >= 0 {
		source = []int{c.Source}
	}
	if c.Target >= 0 {
		target = []int{c.Target}
	}
	others := func(than int) (all []int) {
		for i := range c.Head {
			if i != c.Sync && i != than {
				all = append(all, i)
			}
		}
		return all
	}
	// Of two columns, the one that is not the one is the other.
	if len(source) == 1 && len(target) == 0 {
		if rest := others(source[0]); len(rest) == 1 {
			target = rest
		}
	}
	if len(target) == 1 && len(source) == 0 {
		if rest := others(target[0]); len(rest) == 1 {
			source = rest
		}
	}
	if len(source) != 1 || len(target) != 1 || source[0] == target[0] {
		return fmt.Errorf("line 1: which column holds the source's id and which the target's is not clear; the columns are %s", quotes(c.Head))
	}
	c.Source, c.Target = source[0], target[0]
	return nil
}

// naming returns the columns whose heads are one of the words, or name the tool and not
// the other one.
func (c *Columns) naming(words, tool, other []string) (all []int) {
	for i, head := range c.Head {
		if i == c.Sync {
			continue
		}
		plain := letters(head)
		names := func(one string) bool { return one != "" && strings.Contains(plain, letters(one)) }
		isID := strings.HasSuffix(plain, "id") || strings.HasSuffix(plain, "ids") || len(c.Head) == 2
		if slices.Contains(words, plain) && !slices.ContainsFunc(other, names) || isID && slices.ContainsFunc(tool, names) && !slices.ContainsFunc(other, names) {
			all = append(all, i)
		}
	}
	return all
}

// letters is a text without what does not count in a head.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
}

func quote(text string) string { return strconv.Quote(text) }

func quotes(all []string) string {
	out := make([]string, len(all))
	for i, one := range all {
		out[i] = quote(one)
	}
	return strings.Join(out, ", ")
}
