package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
)

// fileSuffix makes the key of a secret the key of a file that holds it.
const fileSuffix = "_file"

const maxSecretFile = 64 << 10

var (
	reference = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)
	variable  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// Inside [ ] and { } YAML gives braces a meaning of their own, and a parser
// refuses secrets: [${NAME}]. Here that is good configuration, so before the
// text is parsed the braces of each reference become two private-use
// characters, as wide as the braces so that no column moves. They are turned
// back as soon as a scalar is read; the file itself may not hold them.
const (
	openMark  = '\ue000'
	closeMark = '\ue001'
)

func markReferences(src string) string {
	return reference.ReplaceAllStringFunc(src, func(ref string) string {
		return "$" + string(openMark) + ref[2:len(ref)-1] + string(closeMark)
	})
}

var unmarker = strings.NewReplacer(string(openMark), "{", string(closeMark), "}")

func unmark(s string) string { return unmarker.Replace(s) }

// expand replaces each ${NAME} in a text with the environment's value, and
// each $${ with ${. The fault, when there is one, names the variable only.
func expand(s string, env func(string) (string, bool), secret bool) (out string, replaced bool, problem, remedy string) {
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			b.WriteString(s)
			return b.String(), replaced, "", ""
		}
		if i > 0 && s[i-1] == '$' {
			b.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		name, rest, closed := strings.Cut(s[i+2:], "}")
		if !closed || !variable.MatchString(name) {
			return "", replaced, "${ is not followed by a variable's name and }", "write ${NAME}, or $${ for the characters ${ themselves"
		}
		value, ok := env(name)
		if !ok {
			return "", replaced, fmt.Sprintf("the environment variable %s is not set", name), "set it, or write the value here"
		}
		if value == "" && secret {
			return "", replaced, fmt.Sprintf("the environment variable %s is set but empty", name), "give it the secret's value"
		}
		if secret && IsPlaceholder(value) {
			return "", replaced, fmt.Sprintf("the environment variable %s holds a placeholder, with … in it", name), "set it to the secret that the tool shows"
		}
		b.WriteString(value)
		s, replaced = rest, true
	}
}

// IsPlaceholder reports whether a secret was copied from a guide, which writes rk_… where
// a secret belongs.
func IsPlaceholder(secret string) bool { return strings.Contains(secret, "…") }

// secretFile reads the file that <key>_file names into a Secret or []Secret.
func (d *decoder) secretFile(n *node, path string, v reflect.Value) {
	key := strings.TrimSuffix(path, fileSuffix)
	fail := func(problem, remedy string) {
		d.bad[key] = true
		d.unreadable(n.line, path, problem, remedy)
		standIn(v)
	}
	if n.kind != text {
		if n.kind != refused {
			fail("expected a file's path, found "+string(n.kind), "write the path of the file that holds the secret")
		}
		d.bad[key] = true
		return
	}
	name, _, problem, remedy := expand(n.text, d.env, true)
	if problem != "" {
		fail(problem, remedy)
		return
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(d.dir, name)
	}
	content, problem := readSecretFile(name)
	if problem != "" {
		// Not quoted: it may be the secret itself, under the wrong key.
		fail("the file it names "+problem, "write a path, relative to this file's folder, to a file that contains the secret")
		return
	}
	if IsPlaceholder(content) {
		fail("the file it names holds a placeholder, with … in it", "write the secret that the tool shows into the file")
		return
	}
	d.revealed = append(d.revealed, content)
	if v.Type() == secretType {
		v.SetString(strings.TrimRight(content, "\r\n"))
		return
	}
	var secrets []Secret
	for line := range strings.Lines(content) {
		if line = strings.TrimSpace(line); line != "" {
			secrets = append(secrets, Secret(line))
		}
	}
	v.Set(reflect.ValueOf(secrets))
}

// readSecretFile returns what the file holds or what is wrong with it. It
// opens nothing that could block, such as a pipe.
func readSecretFile(name string) (content, problem string) {
	info, err := os.Stat(name)
	switch {
	case os.IsNotExist(err):
		return "", "does not exist"
	case err != nil:
		return "", "cannot be read"
	case !info.Mode().IsRegular():
		return "", "is not a regular file"
	}
	f, err := os.Open(name) // #nosec G304 -- the file that the configuration names; its text is shown nowhere
	if err != nil {
		return "", "cannot be read by this user"
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch {
	case err != nil:
		return "", "cannot be read"
	case len(raw) > maxSecretFile:
		return "", "is larger than 64 KiB"
	case strings.TrimSpace(string(raw)) == "":
		return "", "is empty"
	}
	return string(raw), ""
}
