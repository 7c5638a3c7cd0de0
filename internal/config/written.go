package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Setting is one value of the file as it is written there: a reference to the
// environment is its name, and a secret is only said to be one.
type Setting struct {
	Path string
	Text string
	// Secret is what a secret is, to tell it from another. It is never stored.
	Secret Secret
}

// hiddenSecret is what a secret shows that is written in the file itself.
const hiddenSecret = "(secret)"

var onlyReferences = regexp.MustCompile(`^(\$\{[^}]*\})+$`)

// written returns the values of a file, by path. A list of plain values is one.
func written(root *node, secrets map[string]bool) []Setting {
	var all []Setting
	var walk func(n *node, path string)
	walk = func(n *node, path string) {
		switch {
		case n.kind == mapping:
			for _, f := range n.fields {
				walk(f.value, join(path, f.key))
			}
		case n.kind == list && slices.ContainsFunc(n.items, func(item *node) bool { return item.kind == mapping || item.kind == list }):
			for i, item := range n.items {
				walk(item, fmt.Sprintf("%s[%d]", path, i))
			}
		case n.kind == list:
			s := Setting{Path: path}
			texts := make([]string, len(n.items))
			for i, item := range n.items {
				one := plainly(item, secrets[path] || secrets[fmt.Sprintf("%s[%d]", path, i)])
				texts[i], s.Secret = one.Text, s.Secret+one.Secret+"\x00"
			}
			s.Text = "[" + strings.Join(texts, ", ") + "]"
			all = append(all, s)
		default:
			s := plainly(n, secrets[path])
			s.Path = path
			all = append(all, s)
		}
	}
	walk(root, "")
	slices.SortFunc(all, func(a, b Setting) int { return cmp.Compare(a.Path, b.Path) })
	return all
}

func plainly(n *node, secret bool) Setting {
	if secret && !onlyReferences.MatchString(n.text) {
		return Setting{Text: hiddenSecret, Secret: Secret(n.text)}
	}
	return Setting{Text: n.text}
}

// SecretsChanged returns the paths of the secrets that are written in both files
// and differ. Both must have been read by this process: no secret is stored.
func SecretsChanged(before, after []Setting) []string {
	was := map[string]Setting{}
	for _, s := range before {
		was[s.Path] = s
	}
	var changed []string
	for _, s := range after {
		if old := was[s.Path]; old.Text == s.Text && old.Secret != s.Secret {
			changed = append(changed, s.Path)
		}
	}
	return changed
}
