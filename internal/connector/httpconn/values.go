package httpconn

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// maxText bounds ids and values: longer ones are somebody's notes, and a
// database index could not hold them.
const maxText = 512

// maxExact is the largest whole number up to which every float64 is exact.
const maxExact = 1 << 53

// id evaluates to the id of something: text or a whole number.
func (e *expression) id(vars map[string]any) (string, error) {
	v, err := e.eval(vars)
	if err != nil {
		return "", err
	}
	var text string
	switch t := v.(type) {
	case absent:
		return "", misfit{e.path, "the id is missing"}
	case string:
		text = t
	case int64:
		text = strconv.FormatInt(t, 10)
	case uint64:
		text = strconv.FormatUint(t, 10)
	case float64:
		if t != math.Trunc(t) || math.Abs(t) > maxExact {
			return "", misfit{e.path, "the id is a number that is not whole or too large to be exact"}
		}
		text = strconv.FormatFloat(t, 'f', -1, 64)
	default:
		return "", misfit{e.path, "the id is neither text nor a whole number"}
	}
	if strings.TrimSpace(text) == "" {
		return "", misfit{e.path, "the id is empty"}
	}
	return text, e.sound(text)
}

// text evaluates to a text; ok is false when there is none. Numbers and truth
// values are given in the form JSON writes them.
func (e *expression) text(vars map[string]any) (text string, ok bool, err error) {
	return e.textWithin(vars, maxText)
}

// textWithin is text for what may be longer or shorter than a value.
func (e *expression) textWithin(vars map[string]any, most int) (text string, ok bool, err error) {
	if text, ok, err = e.raw(vars); err != nil || !ok {
		return "", false, err
	}
	return text, true, e.soundWithin(text, most)
}

// raw is text before anybody asks whether it can be kept.
func (e *expression) raw(vars map[string]any) (text string, ok bool, err error) {
	v, err := e.eval(vars)
	if err != nil {
		return "", false, err
	}
	if word, known := e.word(v); known {
		return word, true, e.sound(word)
	}
	switch t := v.(type) {
	case absent:
		return "", false, nil
	case []any:
		if e.several != nil {
			return e.listed(t)
		}
		return "", false, misfit{e.path, "the value is neither text, nor a number, nor true or false"}
	case string:
		text = t
	case bool:
		text = strconv.FormatBool(t)
	case int64:
		text = strconv.FormatInt(t, 10)
	case uint64:
		text = strconv.FormatUint(t, 10)
	case float64:
		text = strconv.FormatFloat(t, 'f', -1, 64)
	default:
		return "", false, misfit{e.path, "the value is neither text, nor a number, nor true or false"}
	}
	return text, true, nil
}

// truth evaluates to true or false; what is absent is false.
func (e *expression) truth(vars map[string]any) (bool, error) {
	v, err := e.eval(vars)
	if err != nil {
		return false, err
	}
	switch t := v.(type) {
	case absent:
		return false, nil
	case bool:
		return t, nil
	}
	return false, misfit{e.path, "the value is neither true nor false"}
}

// verdict evaluates to true or false, and nothing else will do: a misspelt name
// must not look like "no".
func (e *expression) verdict(vars map[string]any) (bool, error) {
	v, err := e.eval(vars)
	if err != nil {
		return false, err
	}
	switch t := v.(type) {
	case absent:
		return false, misfit{e.path, "what it reads is missing"}
	case bool:
		return t, nil
	}
	return false, misfit{e.path, "the value is neither true nor false"}
}

// sound refuses what a database or an address cannot hold.
func (e *expression) sound(text string) error { return e.soundWithin(text, maxText) }

func (e *expression) soundWithin(text string, most int) error {
	if len(text) > most {
		return misfit{e.path, "the value is longer than " + strconv.Itoa(most) + " bytes"}
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return misfit{e.path, "the value contains a control character"}
	}
	return nil
}

// list evaluates to the elements of a list; an absent one is an error, because
// a misspelt name must not look like "nobody".
func (e *expression) list(vars map[string]any) ([]any, error) {
	v, err := e.eval(vars)
	if err != nil {
		return nil, err
	}
	switch t := v.(type) {
	case []any:
		return t, nil
	case absent:
		return nil, misfit{e.path, "the list is missing"}
	}
	return nil, misfit{e.path, "the value is not a list"}
}

// time evaluates to a time; the zero time means that there is none. null, "",
// 0 and year 1 are what tools write for "never".
func (e *expression) time(vars map[string]any) (time.Time, error) {
	v, err := e.eval(vars)
	if err != nil {
		return time.Time{}, err
	}
	at, ok := readTime(v)
	if !ok {
		return time.Time{}, misfit{e.path, "the value is not a valid time: neither RFC 3339 text nor Unix seconds or milliseconds"}
	}
	return at, nil
}

// The numbers that are read as times: up to the year 5138 in seconds, and in
// milliseconds from 1973 on.
const (
	firstMillis = 1e11
	lastMillis  = 1e14
)

// readTime reads a time as tools write it.
func readTime(v any) (time.Time, bool) {
	switch t := v.(type) {
	case absent:
		return time.Time{}, true
	case time.Time:
		return sane(t)
	case string:
		if t == "" {
			return time.Time{}, true
		}
		at, err := time.Parse(time.RFC3339Nano, t)
		if err != nil {
			return time.Time{}, false
		}
		return sane(at)
	case int64:
		switch {
		case t == 0:
			return time.Time{}, true
		case t < 0 || t >= lastMillis:
			return time.Time{}, false
		case t >= firstMillis:
			return time.UnixMilli(t).UTC(), true
		}
		return time.Unix(t, 0).UTC(), true
	case uint64:
		if t >= lastMillis {
			return time.Time{}, false
		}
		return readTime(int64(t))
	case float64:
		switch {
		case t == 0:
			return time.Time{}, true
		case !(t >= 1 && t < lastMillis):
			return time.Time{}, false
		case t >= firstMillis:
			return time.UnixMicro(int64(t * 1e3)).UTC(), true
		}
		return time.UnixMicro(int64(t * 1e6)).UTC(), true
	}
	return time.Time{}, false
}

// sane keeps times that can be stored and compared: after 1970, before the
// year 10000. Year 1 is a zero value that some languages write out.
func sane(t time.Time) (time.Time, bool) {
	t = t.UTC()
	if t.Year() <= 1 {
		return time.Time{}, true
	}
	return t, t.Unix() > 0 && t.Year() < 10000
}
