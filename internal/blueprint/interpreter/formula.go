package interpreter

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A formula is the text within double braces: a path into the output of a
// module, a quoted text, a keyword of Make, or a function of formulas.
type formula interface {
	eval(e *execution) (any, error)
}

type (
	path struct {
		module int
		parts  []string
	}
	text string
	word string
	call struct {
		name string
		args []formula
	}
)

// piece is a part of a template: a text, or a formula.
type piece struct {
	text    string
	formula formula
}

// template splits a text at its formulas.
func template(s string) ([]piece, error) {
	var pieces []piece
	for {
		before, rest, found := strings.Cut(s, "{{")
		if before != "" {
			if strings.Contains(before, "}}") {
				return nil, errors.New("a formula ends that never began")
			}
			pieces = append(pieces, piece{text: before})
		}
		if !found {
			return pieces, nil
		}
		inner, after, found := strings.Cut(rest, "}}")
		if !found {
			return nil, errors.New("a formula does not end")
		}
		p := &parser{rest: inner}
		f, err := p.formula()
		if p.space(); err == nil && p.rest != "" {
			err = fmt.Errorf("%q is left over", p.rest)
		}
		if err != nil {
			return nil, fmt.Errorf("the formula {{%s}} cannot be read: %w", inner, err)
		}
		pieces = append(pieces, piece{formula: f})
		s = after
	}
}

// references lists the modules that a template uses.
func references(s string) ([]int, error) {
	pieces, err := template(s)
	var ids []int
	var collect func(f formula)
	collect = func(f formula) {
		switch t := f.(type) {
		case path:
			ids = append(ids, t.module)
		case call:
			for _, a := range t.args {
				collect(a)
			}
		}
	}
	for _, p := range pieces {
		collect(p.formula)
	}
	return ids, err
}

type parser struct{ rest string }

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " ") }

// take cuts a prefix of these characters off.
func (p *parser) take(allowed string) string {
	n := 0
	for n < len(p.rest) && strings.IndexByte(allowed, p.rest[n]) >= 0 {
		n++
	}
	taken := p.rest[:n]
	p.rest = p.rest[n:]
	return taken
}

func (p *parser) eat(s string) bool {
	rest, ok := strings.CutPrefix(p.rest, s)
	if ok {
		p.rest = rest
	}
	return ok
}

const (
	digits  = "0123456789"
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
)

func (p *parser) formula() (formula, error) {
	p.space()
	switch {
	case p.eat(`"`):
		inner, after, ok := strings.Cut(p.rest, `"`)
		if !ok {
			return nil, errors.New("a text does not end")
		}
		p.rest = after
		return text(inner), nil
	case p.rest != "" && strings.IndexByte(digits, p.rest[0]) >= 0:
		return p.path()
	}
	name := p.take(letters + digits)
	if name == "" {
		return nil, errors.New("there is nothing, or a character of no use")
	}
	if !p.eat("(") {
		if _, ok := words[name]; !ok {
			return nil, fmt.Errorf("there is no word %s", name)
		}
		return word(name), nil
	}
	c := call{name: name}
	for {
		arg, err := p.formula()
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, arg)
		p.space()
		if p.eat(")") {
			break
		}
		if !p.eat(";") {
			return nil, errors.New("arguments are separated by semicolons")
		}
	}
	if f, ok := functions[name]; !ok || f.args != len(c.args) {
		return nil, fmt.Errorf("there is no function %s of %d arguments", name, len(c.args))
	}
	return c, nil
}

func (p *parser) path() (formula, error) {
	id, err := strconv.Atoi(p.take(digits))
	if err != nil {
		return nil, err
	}
	out := path{module: id}
	for p.eat(".") {
		if p.eat("`") {
			inner, after, ok := strings.Cut(p.rest, "`")
			if !ok {
				return nil, errors.New("a name does not end")
			}
			p.rest = after
			out.parts = append(out.parts, inner)
			continue
		}
		part := p.take(letters + digits)
		if part == "" || strings.IndexByte(digits, part[0]) >= 0 {
			return nil, errors.New("a name that is no word stands in backticks")
		}
		out.parts = append(out.parts, part)
	}
	if len(out.parts) == 0 {
		return nil, errors.New("a number is no value of a module")
	}
	return out, nil
}

// eval returns nil for a path that does not exist.
func (p path) eval(e *execution) (any, error) {
	output, ran := e.outputs[p.module]
	if !ran {
		return nil, fmt.Errorf("module %d has not run", p.module)
	}
	var v any = output
	for _, part := range p.parts {
		object, ok := v.(map[string]any)
		if !ok {
			return nil, nil
		}
		v = object[part]
	}
	return v, nil
}

func (t text) eval(*execution) (any, error)   { return string(t), nil }
func (w word) eval(e *execution) (any, error) { return words[string(w)](e), nil }

var words = map[string]func(*execution) any{
	"emptystring": func(*execution) any { return "" },
	"emptyarray":  func(*execution) any { return []any{} },
	"timestamp":   func(e *execution) any { return e.scenario.account.Now().Unix() },
	"executionId": func(e *execution) any { return e.id },
}

func (c call) eval(e *execution) (any, error) {
	args := make([]any, len(c.args))
	for i, a := range c.args {
		var err error
		if args[i], err = a.eval(e); err != nil {
			return nil, err
		}
	}
	v, err := functions[c.name].of(args)
	if err != nil {
		return nil, fmt.Errorf("function %s finished with error: %w", c.name, err)
	}
	return v, nil
}

type function struct {
	args int
	of   func(args []any) (any, error)
}

var functions = map[string]function{
	"ifempty": {2, func(args []any) (any, error) {
		if args[0] == nil || args[0] == "" {
			return args[1], nil
		}
		return args[0], nil
	}},
	"base64": {1, func(args []any) (any, error) {
		if args[0] == nil {
			return nil, errors.New("there is no text")
		}
		return base64.StdEncoding.EncodeToString([]byte(paste(args[0]))), nil
	}},
	"join": {2, func(args []any) (any, error) {
		list, ok := args[0].([]any)
		if !ok {
			return nil, errors.New("this is no array")
		}
		parts := make([]string, len(list))
		for i, v := range list {
			parts[i] = paste(v)
		}
		return strings.Join(parts, paste(args[1])), nil
	}},
	"map": {2, func(args []any) (any, error) {
		list, ok := args[0].([]any)
		if !ok {
			return nil, errors.New("this is no array")
		}
		out := []any{}
		for _, v := range list {
			object, ok := v.(map[string]any)
			if !ok {
				return nil, errors.New("an item is no collection")
			}
			out = append(out, object[paste(args[1])])
		}
		return out, nil
	}},
	"length": {1, func(args []any) (any, error) {
		list, ok := args[0].([]any)
		if !ok {
			return nil, errors.New("this is no array")
		}
		return int64(len(list)), nil
	}},
	// sha256 with a key is an HMAC.
	"sha256": {4, func(args []any) (any, error) {
		if paste(args[1]) != "base64" || paste(args[3]) != "base64" {
			return nil, errors.New("an encoding that is not known here")
		}
		key, err := base64.StdEncoding.DecodeString(paste(args[2]))
		if err != nil {
			return nil, err
		}
		m := hmac.New(sha256.New, key)
		m.Write([]byte(paste(args[0])))
		return base64.StdEncoding.EncodeToString(m.Sum(nil)), nil
	}},
}

// paste is a value within a text. Nothing is escaped.
func paste(v any) string {
	switch t := v.(type) {
	case nil:
		return ""
	case string:
		return t
	case float64:
		return strconv.FormatFloat(t, 'f', -1, 64)
	case time.Time:
		return t.UTC().Format(time.RFC3339)
	case map[string]any, []any:
		return "[object Object]"
	}
	return fmt.Sprint(v)
}

// value is the result of a template: a single formula keeps its type.
func (e *execution) value(s string) (any, error) {
	pieces, err := template(s)
	if err != nil {
		return nil, err
	}
	if len(pieces) == 1 && pieces[0].formula != nil {
		return pieces[0].formula.eval(e)
	}
	var out strings.Builder
	for _, p := range pieces {
		if p.formula == nil {
			out.WriteString(p.text)
			continue
		}
		v, err := p.formula.eval(e)
		if err != nil {
			return nil, err
		}
		out.WriteString(paste(v))
	}
	return out.String(), nil
}

// text is a template's result as a text.
func (e *execution) text(s string) (string, error) {
	v, err := e.value(s)
	return paste(v), err
}
