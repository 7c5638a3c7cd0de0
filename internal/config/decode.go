package config

import (
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	secretType     = reflect.TypeFor[Secret]()
	secretsType    = reflect.TypeFor[[]Secret]()
	durationType   = reflect.TypeFor[time.Duration]()
	networkType    = reflect.TypeFor[netip.Prefix]()
	connectionType = reflect.TypeFor[Connection]()
)

// defaulter is a part of the file that holds values before it is read.
type defaulter interface{ setDefaults() }

// decoder fills Go values from the tree by their yaml tags. It goes on after a
// fault, so that one run finds them all.
type decoder struct {
	*report
	dir   string
	types Types
	env   func(string) (string, bool)
}

// value decodes n into v, which is settable.
func (d *decoder) value(n *node, path string, v reflect.Value) {
	if n.kind == refused {
		standIn(v)
		return
	}
	if v.Kind() == reflect.Interface {
		if a := d.anything(n, path); a != nil {
			v.Set(reflect.ValueOf(a))
		}
		return
	}
	if n.kind == empty {
		d.unreadable(n.line, path, "it has no value", "write one, or remove the key")
		standIn(v)
		return
	}
	switch v.Type() {
	case secretType:
		d.secret(path)
		d.scalar(n, path, v, "text", "write one value", func(s string) bool {
			d.revealed = append(d.revealed, s)
			v.SetString(s)
			return true
		})
		return
	case durationType:
		d.scalar(n, path, v, "a duration", "write a number with a unit, such as 30s, 5m, 6h or 90d", func(s string) bool {
			t, err := Duration(s)
			v.SetInt(int64(t))
			return err == nil
		})
		return
	case networkType:
		d.scalar(n, path, v, "a network", "write one such as 169.254.10.0/24; a single address is 169.254.10.7/32", func(s string) bool {
			network, err := netip.ParsePrefix(s)
			v.Set(reflect.ValueOf(network))
			return err == nil
		})
		return
	case connectionType:
		d.connection(n, path, v)
		return
	case transitionsType:
		d.transitions(n, path, v)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, path, v.Elem())
	case reflect.Struct:
		d.mapping(n, path, v)
	case reflect.Map:
		d.entries(n, path, v)
	case reflect.Slice:
		d.list(n, path, v)
	case reflect.String:
		d.scalar(n, path, v, "text", "write one value", func(s string) bool { v.SetString(s); return true })
	case reflect.Bool:
		d.scalar(n, path, v, "true or false", "write true or false", func(s string) bool {
			v.SetBool(s == "true")
			return s == "true" || s == "false"
		})
	case reflect.Int, reflect.Int64, reflect.Int32:
		d.scalar(n, path, v, "a whole number", "write one such as 10", func(s string) bool {
			i, err := strconv.ParseInt(s, 10, v.Type().Bits())
			v.SetInt(i)
			return err == nil
		})
	case reflect.Float64, reflect.Float32:
		d.scalar(n, path, v, "a number", "write one such as 0.9", func(s string) bool {
			f, err := strconv.ParseFloat(s, 64)
			v.SetFloat(f)
			return err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
		})
	default:
		panic(fmt.Sprintf("config: a field at %s has type %s, which a file cannot hold", path, v.Type()))
	}
}

var days = regexp.MustCompile(`^([0-9]{1,5})d`)

// Duration reads a duration, which may begin with a number of days.
func Duration(s string) (time.Duration, error) {
	found := days.FindStringSubmatch(s)
	if found == nil {
		return time.ParseDuration(s)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		return 0, err
	}
	rest := time.Duration(0)
	if left := s[len(found[0]):]; left != "" {
		if rest, err = time.ParseDuration(left); err == nil && rest < 0 {
			err = fmt.Errorf("%s is below 0", left)
		}
	}
	return time.Duration(n)*24*time.Hour + rest, err
}

// scalar replaces references in a scalar and hands its text to set, which
// reports whether the text is what the field wants.
func (d *decoder) scalar(n *node, path string, v reflect.Value, want, remedy string, set func(string) bool) {
	secret := v.Type() == secretType
	if !fits(n, v) {
		d.mismatch(n, path, v, want, remedy)
		return
	}
	s, replaced, problem, cure := expand(n.text, d.env, secret)
	if problem != "" {
		d.unreadable(n.line, path, problem, cure)
		standIn(v)
		return
	}
	if replaced {
		d.came(path, s, n.text)
	}
	if n.kind == number {
		s = plainNumber(n)
	}
	if secret && s == "" {
		d.unreadable(n.line, path, "the secret is empty", "write ${NAME} to read it from the environment, or "+lastKey(path)+fileSuffix+" to read it from a file")
		standIn(v)
		return
	}
	if secret && IsPlaceholder(s) {
		d.unreadable(n.line, path, "the secret is a placeholder, with … in it", "write ${NAME} to read it from the environment, or "+lastKey(path)+fileSuffix+" to read it from a file")
		standIn(v)
		return
	}
	before := reflect.New(v.Type()).Elem()
	before.Set(v)
	if !set(s) {
		v.Set(before)
		d.mismatch(n, path, v, want, remedy)
	}
}

// fits reports whether a scalar of the node's kind may stand in the field. Text
// from the environment may become a number; text in quotes may not, because
// the quotes say it is none.
func fits(n *node, v reflect.Value) bool {
	isText := v.Kind() == reflect.String || v.Type() == durationType || v.Type() == networkType
	switch n.kind {
	case text:
		return isText || !n.quoted || strings.Contains(n.text, "${")
	case number:
		return !isText && v.Kind() != reflect.Bool
	case boolean:
		return v.Kind() == reflect.Bool
	}
	return false
}

// plainNumber writes a number the way strconv reads it, whatever YAML spelling
// (0x10, 1_000) the file has.
func plainNumber(n *node) string {
	if f, ok := n.number.(float64); ok {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return fmt.Sprint(n.number)
}

// mismatch reports a value of the wrong kind, and what stands there unless it
// may be a secret.
func (d *decoder) mismatch(n *node, path string, v reflect.Value, want, remedy string) {
	found := string(n.kind)
	// Where keys or a list belong, a lone text may be a secret in the wrong
	// place.
	numeric := v.Kind() >= reflect.Bool && v.Kind() <= reflect.Float64
	if (numeric || v.Type() == networkType || v.Kind() == reflect.String && v.Type() != secretType) && n.text != "" {
		found = cut(n.text)
		if !n.quoted && n.kind != text {
			found = n.text
		}
	}
	switch {
	case v.Kind() == reflect.String && (n.kind == number || n.kind == boolean):
		remedy = "put it in quotes"
	case v.Type() == durationType && n.kind == number:
		remedy = "add a unit, such as " + n.text + "s"
	case numeric && n.quoted && !fits(n, v):
		remedy = "write it without quotes"
	}
	d.unreadable(n.line, path, "expected "+want+", found "+found, remedy)
	standIn(v)
}

// standIn gives a text that could not be read some value, so that nothing
// later says it is missing. The file is already at fault.
func standIn(v reflect.Value) {
	switch {
	case v.Kind() == reflect.String:
		v.SetString("?")
	case v.Type() == secretsType:
		v.Set(reflect.ValueOf([]Secret{"?"}))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	}
}

func (d *decoder) list(n *node, path string, v reflect.Value) {
	if n.kind != list {
		d.mismatch(n, path, v, "a list", "put its items in brackets: [ ]")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		d.value(item, fmt.Sprintf("%s[%d]", path, i), out.Index(i))
	}
	v.Set(out)
}

// entries decodes a mapping whose keys the file chooses.
func (d *decoder) entries(n *node, path string, v reflect.Value) {
	if n.kind != mapping {
		d.mismatch(n, path, v, "names with values", "write each as name: value")
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.fields))
	for _, f := range n.fields {
		elem := reflect.New(v.Type().Elem()).Elem()
		key, isFile := strings.CutSuffix(f.key, fileSuffix)
		if isFile = isFile && key != "" && isSecret(elem.Type()); !isFile {
			key = f.key
		}
		at := reflect.ValueOf(key).Convert(v.Type().Key())
		switch {
		case out.MapIndex(at).IsValid():
			d.unreadable(f.line, join(path, f.key), fmt.Sprintf("%s and %s are both set", key, key+fileSuffix), "keep one of them")
			continue
		case isFile:
			d.secretFile(f.value, join(path, f.key), elem)
		default:
			d.value(f.value, join(path, f.key), elem)
		}
		out.SetMapIndex(at, elem)
	}
	v.Set(out)
}

// mapping decodes a mapping whose keys are the fields of one or more structs.
func (d *decoder) mapping(n *node, path string, into ...reflect.Value) {
	for _, v := range into {
		if p, ok := v.Addr().Interface().(defaulter); ok {
			p.setDefaults()
		}
	}
	if n.kind != mapping {
		remedy := "keys here: " + strings.Join(fieldNames(into...), ", ")
		if p, ok := into[0].Addr().Interface().(switchable); ok {
			if n.kind == text && n.text == off {
				p.turnOff()
				return
			}
			remedy += "; or write off"
		}
		d.mismatch(n, path, into[0], "keys with values", remedy)
		return
	}
	known := map[string]reflect.Value{}
	for _, v := range into {
		collect(known, v)
	}
	present := map[string]bool{}
	for _, f := range n.fields {
		present[f.key] = true
	}
	for _, f := range n.fields {
		keyPath := join(path, f.key)
		if v, ok := known[f.key]; ok {
			d.value(f.value, keyPath, v)
			continue
		}
		key, isFile := strings.CutSuffix(f.key, fileSuffix)
		if v, ok := known[key]; ok && isFile && isSecret(v.Type()) {
			if present[key] {
				d.unreadable(f.line, keyPath, fmt.Sprintf("%s and %s are both set", key, f.key), "keep one of them")
				continue
			}
			d.secretFile(f.value, keyPath, v)
			continue
		}
		if rest, ok := restOf(into...); ok && f.value.kind == mapping {
			one := reflect.New(rest.Type().Elem()).Elem()
			d.value(f.value, keyPath, one)
			if rest.IsNil() {
				rest.Set(reflect.MakeMap(rest.Type()))
			}
			rest.SetMapIndex(reflect.ValueOf(f.key), one)
			continue
		}
		d.unknownKey(f, path, fieldNames(into...))
	}
}

func (d *decoder) unknownKey(f field, path string, names []string) {
	remedy := "keys here: " + strings.Join(names, ", ")
	if guess := closest(f.key, names); guess != "" {
		remedy = "did you mean " + guess + "?"
		// The guessed key is not missing, it is misspelt.
		d.bad[join(path, guess)] = true
	}
	d.unreadable(f.line, join(path, f.key), "unknown key", remedy)
}

// connection decodes the keys every connection has together with those of its
// type, which stand in the same mapping.
func (d *decoder) connection(n *node, path string, v reflect.Value) {
	if n.kind != mapping {
		d.mismatch(n, path, v, "keys with values", "start with type: "+strings.Join(d.types.names(), " or "))
		return
	}
	i := slices.IndexFunc(n.fields, func(f field) bool { return f.key == "type" })
	if i < 0 {
		d.commonKeys(n, path, v)
		d.unreadable(n.line, join(path, "type"), "it is missing", "write one of "+strings.Join(d.types.names(), ", "))
		return
	}
	typ := v.FieldByName("Type")
	d.value(n.fields[i].value, join(path, "type"), typ)
	empty, ok := d.types[typ.String()]
	if !ok {
		d.commonKeys(n, path, v)
		if !d.bad[join(path, "type")] {
			d.unknownType(n.fields[i].value, join(path, "type"), typ.String())
		}
		return
	}
	settings := empty()
	d.mapping(n, path, v, reflect.ValueOf(settings).Elem())
	v.FieldByName("Settings").Set(reflect.ValueOf(settings))
}

// commonKeys decodes a connection whose type, and with it every other key, is
// not known.
func (d *decoder) commonKeys(n *node, path string, v reflect.Value) {
	common := *n
	names := fieldNames(v)
	common.fields = slices.DeleteFunc(slices.Clone(n.fields), func(f field) bool { return !slices.Contains(names, f.key) })
	d.mapping(&common, path, v)
}

func (d *decoder) unknownType(n *node, path, name string) {
	names := d.types.names()
	if slices.Contains(plannedTypes, name) {
		d.unreadable(n.line, path, name+" connections are not in this version", "the types are "+strings.Join(names, ", "))
		return
	}
	d.unreadable(n.line, path, "no connection type "+cut(n.text), didYouMean(name, names, "types"))
}

// anything decodes a value whose shape is the connector's own affair.
func (d *decoder) anything(n *node, path string) any {
	switch n.kind {
	case text:
		s, replaced, problem, remedy := expand(n.text, d.env, false)
		if problem != "" {
			d.unreadable(n.line, path, problem, remedy)
		}
		if replaced {
			d.came(path, s, n.text)
		}
		return s
	case number:
		if u, ok := n.number.(uint64); ok {
			if u > math.MaxInt64 {
				d.unreadable(n.line, path, "the number "+n.text+" is too large", "put it in quotes to send it as text")
				return nil
			}
			return int64(u)
		}
		return n.number
	case boolean:
		return n.text == "true"
	case list:
		out := make([]any, len(n.items))
		for i, item := range n.items {
			out[i] = d.anything(item, fmt.Sprintf("%s[%d]", path, i))
		}
		return out
	case mapping:
		out := make(map[string]any, len(n.fields))
		for _, f := range n.fields {
			out[f.key] = d.anything(f.value, join(path, f.key))
		}
		return out
	}
	return nil
}
