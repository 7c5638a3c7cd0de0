package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// HiddenText stands in the place of what is not shown of a line.
const HiddenText = "[hidden]"

// ShownLine is a line of the file as people may see it.
type ShownLine struct {
	Text string
	// Hidden says that a part of it is left out: it is a secret, or looks like one.
	Hidden bool
}

// shown returns the file's lines without its secrets. A line is hidden when it belongs
// to a value that is secret and is no reference, when it holds a secret that was read
// from elsewhere, and when a comment in it looks as if it held one. It rather hides too
// much: what is hidden can be read in the file.
func shown(src []byte, root *node, r *report, types Types) []ShownLine {
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\ufeff", "").Replace(string(src)), "\n")
	if n := len(lines); n > 1 && lines[n-1] == "" {
		lines = lines[:n-1]
	}
	hidden := make([]bool, len(lines))
	for _, where := range secretLines(root, r.secrets, lines) {
		for i := where.first; i <= where.last && i <= len(lines); i++ {
			hidden[i-1] = true
		}
	}
	values := secretWords(root, r)
	comments := commentReader{keys: secretKeys(types)}
	out := make([]ShownLine, len(lines))
	for i, text := range lines {
		comment := comments.hides(text)
		switch {
		case strings.TrimSpace(text) == "":
			out[i].Text = text
		case hidden[i]:
			out[i] = ShownLine{beginning(text), true}
		case comment:
			out[i] = ShownLine{text[:commentAt(text)] + "# " + HiddenText, true}
		default:
			out[i].Text = text
		}
		if repeats(strings.ReplaceAll(out[i].Text, HiddenText, ""), values) || unsafe.MatchString(out[i].Text) {
			out[i] = ShownLine{HiddenText, true}
		}
	}
	return out
}

// extent is a number of whole lines.
type extent struct{ first, last int }

// part is where a value of the file begins: at its key, or at its dash.
type part struct {
	line int
	leaf *node
	path string
	item bool
}

// secretLines are the lines of the values that are secret and written out.
func secretLines(root *node, secrets map[string]bool, lines []string) []extent {
	var parts []part
	var walk func(n *node, path string)
	walk = func(n *node, path string) {
		for _, f := range n.fields {
			parts = append(parts, part{f.line, f.value, join(path, f.key), false})
			walk(f.value, join(path, f.key))
		}
		for i, item := range n.items {
			at := fmt.Sprintf("%s[%d]", path, i)
			parts = append(parts, part{item.line, item, at, true})
			walk(item, at)
		}
	}
	walk(root, "")
	var all []extent
	for i, p := range parts {
		if !secrets[p.path] || onlyReferences.MatchString(p.leaf.text) {
			continue
		}
		e := extent{p.line, p.line}
		if p.item && i > 0 { // a text of several lines may be placed at its end
			e.first = min(p.line, parts[i-1].line+1)
		}
		e.last = max(e.last, p.leaf.line)
		if i+1 == len(parts) {
			e.last = len(lines)
		} else {
			e.last = max(e.last, parts[i+1].line-1)
		}
		e.last = max(e.last, continued(lines, e.first, p.item))
		all = append(all, withoutTrailingComments(e, p, lines))
	}
	return all
}

// continued returns the last line that is indented deeper than the first.
func continued(lines []string, first int, item bool) int {
	if first < 1 || first > len(lines) {
		return first
	}
	depth := indentOf(lines[first-1], !item)
	last := first
	for i := first; i < len(lines); i++ {
		if strings.TrimSpace(lines[i]) == "" {
			continue
		}
		if indentOf(lines[i], false) <= depth {
			break
		}
		last = i + 1
	}
	return last
}

// withoutTrailingComments leaves the comments behind a value that ends on its own line
// to the reading of comments.
func withoutTrailingComments(e extent, p part, lines []string) extent {
	for e.last > max(e.first, p.line, p.leaf.line) && e.last <= len(lines) {
		text := strings.TrimSpace(lines[e.last-1])
		above := indentOf(lines[e.last-1], false) <= indentOf(lines[e.first-1], !p.item)
		if text != "" && !(above && strings.HasPrefix(text, "#")) {
			break
		}
		e.last--
	}
	return e
}

// indentOf is how far a line's text is indented, behind the dashes of a list if that
// is asked for.
func indentOf(text string, dashes bool) int {
	at := len(text) - len(strings.TrimLeft(text, " "))
	for dashes && strings.HasPrefix(text[at:], "- ") {
		at += 2
		at += len(text[at:]) - len(strings.TrimLeft(text[at:], " "))
	}
	return at
}

var lineBegins = regexp.MustCompile(`^ *(- +)*([A-Za-z][A-Za-z0-9_-]*: |- )?`)

// beginning is a hidden line with its key.
func beginning(text string) string { return lineBegins.FindString(text+" ") + HiddenText }

// secretWords are the words of the secrets of a file, wherever they come from.
func secretWords(root *node, r *report) []string {
	all := slices.Clone(r.revealed)
	var walk func(n *node, path string)
	walk = func(n *node, path string) {
		if r.secrets[path] && !onlyReferences.MatchString(n.text) {
			all = append(all, n.text)
		}
		for _, f := range n.fields {
			walk(f.value, join(path, f.key))
		}
		for i, item := range n.items {
			walk(item, fmt.Sprintf("%s[%d]", path, i))
		}
	}
	walk(root, "")
	var words []string
	for _, text := range all {
		parts := strings.Fields(text)
		words = append(append(words, parts...), strings.Join(parts, ""))
	}
	slices.Sort(words)
	return slices.DeleteFunc(slices.Compact(words), func(word string) bool { return word == "" })
}

// leastPart is the length from which a secret hides a line that holds it in the midst
// of other text. A shorter one would hide half of the file.
const leastPart = 8

// repeats reports whether a text holds one of the words.
func repeats(text string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool {
		if len(word) >= leastPart {
			return strings.Contains(text, word)
		}
		for rest, from := text, 0; ; {
			i := strings.Index(rest, word)
			if i < 0 {
				return false
			}
			before, after := text[:from+i], rest[i+len(word):]
			if !wordRune(lastRune(before)) && !wordRune(firstRune(after)) {
				return true
			}
			rest, from = rest[i+1:], from+i+1
		}
	})
}

func wordRune(c rune) bool { return c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c) }

func firstRune(s string) rune {
	for _, c := range s {
		return c
	}
	return ' '
}

func lastRune(s string) rune {
	last := ' '
	for _, c := range s {
		last = c
	}
	return last
}

// unsafe is what is a credential wherever it stands.
var unsafe = regexp.MustCompile(`(sk|rk|pk)_(live|test)_|whsec_\w|xox[a-z]-|xapp-|\b(pit|pat|ghp|github_pat)[-_][A-Za-z0-9]|-----BEGIN|://[^/\s@$]*:[^/\s@$]+@|(?i)[?&](api_?key|key|token|access_token|secret|sig|signature|password)=[^\s{$&]|(?i)\b(bearer|basic) +[a-z0-9+/_=.-]{8,}`)

// looksRandom is a text in a comment that nobody would write but a program.
var looksRandom = regexp.MustCompile(`[A-Za-z0-9+_=-]{20,}`)

// generalKeys are keys of secrets in any file.
var generalKeys = regexp.MustCompile(`(?i)(secret|token|passw|passphrase|credential|api[_-]?key|private[_-]?key|bearer|^pw$|^pass$|^key$|^dsn$)`)

// commentReader reads the comments of a file from its top.
type commentReader struct {
	keys map[string]bool
	// below is set while the lines of a comment may continue a secret, depth how far
	// its key is indented.
	below bool
	depth int
}

var commentKey = regexp.MustCompile(`["']?([A-Za-z][A-Za-z0-9_-]*)["']?\s*[:=]`)

// hides reports whether the comment of a line may hold a secret.
func (c *commentReader) hides(line string) bool {
	at := commentAt(line)
	whole := strings.TrimSpace(line[:at]) == ""
	if at == len(line) || !whole {
		c.below = false
	}
	if at == len(line) {
		return false
	}
	text := strings.TrimLeft(line[at:], "#")
	depth := at + len(line[at:]) - len(strings.TrimLeft(text, " "))
	if c.below && strings.TrimSpace(text) != "" {
		if depth > c.depth || depth == c.depth && strings.HasPrefix(strings.TrimLeft(text, " "), "-") {
			return !harmless(strings.TrimSpace(text))
		}
		c.below = false
	}
	found := false
	for _, m := range commentKey.FindAllStringSubmatchIndex(text, -1) {
		if !c.secret(text[m[2]:m[3]]) {
			continue
		}
		value := strings.TrimSpace(text[m[1]:])
		c.below, c.depth = whole, depth
		found = found || !harmless(value)
	}
	return found || unsafe.MatchString(text) || slices.ContainsFunc(looksRandom.FindAllString(text, -1), random)
}

// secret reports whether a key may have a secret.
func (c *commentReader) secret(key string) bool {
	if strings.HasSuffix(key, fileSuffix) {
		return false
	}
	return c.keys[strings.ToLower(key)] || generalKeys.MatchString(key)
}

// harmless reports whether a text holds nothing but references.
func harmless(value string) bool {
	return strings.Trim(reference.ReplaceAllString(value, ""), " \t-[]{}\"',|>") == ""
}

// random reports whether a word mixes small letters, capitals and digits, or is hex.
func random(word string) bool {
	digit, lower, upper := strings.ContainsFunc(word, unicode.IsDigit), strings.ContainsFunc(word, unicode.IsLower), strings.ContainsFunc(word, unicode.IsUpper)
	hex := strings.Trim(strings.ToLower(word), "0123456789abcdef") == ""
	return digit && lower && upper || hex && digit && len(word) >= 32
}

// commentAt is where the comment of a line begins, its length where there is none.
func commentAt(line string) int {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return i
		}
	}
	return len(line)
}

// secretKeys are the keys that have a secret in a file of these types, and those below
// which the file itself names such keys.
func secretKeys(types Types) map[string]bool {
	keys := map[string]bool{}
	seen := map[reflect.Type]bool{}
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(t.Elem())
		case reflect.Struct:
			if seen[t] {
				return
			}
			seen[t] = true
			for i := range t.NumField() {
				f := t.Field(i)
				key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
				if isSecret(f.Type) || f.Type.Kind() == reflect.Map && isSecret(f.Type.Elem()) {
					keys[strings.ToLower(key)] = key != ""
				}
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[Config]())
	for _, name := range types.names() {
		walk(reflect.TypeOf(types[name]()))
	}
	return keys
}

// Part returns the first and the last line of what stands at a path of the file, 0 for
// what is not there.
func (c *Config) Part(path string) (first, last int) {
	first, ok := c.places[path]
	if !ok {
		return 0, 0
	}
	last = len(c.Shown)
	for p, line := range c.places {
		inside := p == path || strings.HasPrefix(p, path+".") || strings.HasPrefix(p, path+"[")
		if !inside && line > first {
			last = min(last, line-1)
		}
	}
	for last > first && c.Shown[last-1].aside() {
		last--
	}
	return first, last
}

// aside reports whether a line holds no setting.
func (l ShownLine) aside() bool {
	text := strings.TrimSpace(l.Text)
	return text == "" || strings.HasPrefix(text, "#")
}
