package httpconn

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
)

// The keys of options that are read from the tool.
const (
	optionsGet    = "get"
	optionsValues = "values"
	optionsIDs    = "ids"
)

const (
	// optionsAge is how long the options are remembered before a write.
	optionsAge = 5 * time.Minute
	// optionsAgain bounds how often a word that is not there makes us ask.
	optionsAgain = 10 * time.Second
	// joined stands between the values of a record that has several. No sync maps
	// such a value, so people see it.
	joined = " + "
)

// vocabulary is how the tool's API takes and gives the words of the syncs. Where
// the tool is asked for it, it is made again with each answer.
type vocabulary struct{ atomic.Pointer[known] }

type known struct {
	taken map[string]any    // by word
	words map[string]string // by what the API gives, see canonical
	twice map[string]bool   // words that several options have
}

// now is what is known at this moment.
func (v *vocabulary) now() *known {
	if k := v.Load(); k != nil {
		return k
	}
	return &known{}
}

// several are the elements of a status that is a list. only, when set, are those
// that mean a status; the others are somebody's.
type several struct{ only []string }

func (c *compiler) options() {
	o, ok := c.s.Options.(map[string]any)
	switch {
	case c.s.Options == nil:
		return
	case !ok:
		c.fault("options", "is neither words with what the API takes for them nor get and values",
			"write options: {Active: 12, Churned: 13}, or options: {get: /fields/7, values: body.options}")
		return
	case len(o) == 0:
		c.fault("options", "is empty", "write options: {Active: 12, Churned: 13}, or remove it")
		return
	}
	if c.s.readsOptions() {
		c.optionsRead(o)
		return
	}
	v := &known{taken: o, words: map[string]string{}}
	for _, word := range slices.Sorted(maps.Keys(o)) {
		path := "options." + word
		key, problem := canonical(o[word])
		if list, ok := o[word].([]any); ok && len(list) != 1 {
			problem = "is a list that does not have one item"
		}
		switch other, taken := v.words[key]; {
		case strings.TrimSpace(word) == "":
			c.fault(path, "is no word", "write the word that statuses has in to")
		case problem != "":
			c.fault(path, problem, "write a number, true or false, a text, null, or one of these in brackets")
		case taken:
			c.fault(path, "is the same as that of "+other+", so that nobody could tell them apart when they are read", "give each word its own")
		default:
			v.words[key] = word
		}
	}
	c.out.words = &vocabulary{}
	c.out.words.Store(v)
}

// canonical is one text for a value that an API gives or takes, so that 12 and
// 12.0 and "12" are one: APIs take ids as numbers and give them as text.
func canonical(v any) (text, problem string) {
	switch t := v.(type) {
	case nil, absent:
		return "\x00null", ""
	case string:
		return t, ""
	case bool:
		return strconv.FormatBool(t), ""
	case int, int64, uint64:
		return fmt.Sprint(t), ""
	case float64:
		return strconv.FormatFloat(t, 'f', -1, 64), ""
	case []any:
		if len(t) == 1 {
			if _, nested := t[0].([]any); !nested {
				return canonical(t[0])
			}
		}
	}
	return "", "is neither a number, true or false, a text nor null"
}

// word is the word for what the API gave, and whether there is one.
func (v *vocabulary) word(given any) (string, bool) {
	if v == nil {
		return "", false
	}
	key, problem := canonical(given)
	if problem != "" {
		return "", false
	}
	word, ok := v.now().words[key]
	return word, ok
}

func (e *expression) word(given any) (string, bool) {
	if e == nil {
		return "", false
	}
	return e.words.word(given)
}

// takes is what the API takes for a word.
func (v *vocabulary) takes(word string) (any, bool) {
	if v == nil {
		return word, true
	}
	taken, ok := v.now().taken[word]
	return taken, ok
}

// listed makes one value of a status that is a list: the words of its elements.
func (e *expression) listed(items []any) (string, bool, error) {
	var all []string
	for _, item := range items {
		text, ok := e.words.word(item)
		if !ok {
			raw, problem := canonical(item)
			if problem != "" || item == nil {
				return "", false, misfit{e.path, "the value is a list of something other than text, numbers, or true and false"}
			}
			text = raw
		}
		if text = strings.TrimSpace(text); text != "" && (e.several.only == nil || slices.Contains(e.several.only, text)) {
			all = append(all, text)
		}
	}
	slices.Sort(all)
	text := strings.Join(slices.Compact(all), joined)
	return text, text != "", e.sound(text)
}

// understood gives the expressions of a status what they need to know of the
// tool's words. A status that is a list is one where the file has words for it,
// or writes it by adding and removing.
func (c *compiled) understood(use connector.Use) {
	var list *several
	if c.words != nil || c.write != nil && c.write.add != nil {
		list = &several{}
	}
	if c.write != nil && c.write.add != nil && use.Target {
		list.only = use.Values
	}
	for _, e := range []*expression{c.status, c.record.status, c.fallback.status} {
		if e != nil {
			e.words, e.several = c.words, list
		}
	}
}

// ClosedSet implements config.HasClosedSet: the words that can be written. What a
// source can hold beside them is known where its rows are folded.
func (s *Settings) ClosedSet(side config.Side) config.ClosedSet {
	if !side.Target && s.Fold != nil {
		return config.ClosedSet{Values: slices.Clone(s.Fold.Precedence)}
	}
	o, _ := s.Options.(map[string]any)
	if !side.Target || len(o) == 0 || s.readsOptions() {
		return config.ClosedSet{}
	}
	return config.ClosedSet{Values: slices.Sorted(maps.Keys(o))}
}
