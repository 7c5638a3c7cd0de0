package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Load reads the file at path. An error is Faults, or says why the file cannot
// be read at all. env is os.LookupEnv outside of tests.
func Load(path string, types Types, env func(string) (string, bool)) (*Config, error) {
	src, err := Read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, src, filepath.Dir(path), types, env)
}

// Read returns the text of the file at path.
func Read(path string) ([]byte, error) {
	src, err := os.ReadFile(path) // #nosec G304 -- the file that the person who runs this names
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: %w; make it with trueup init (questions in the terminal) or, while there is no database, trueup run (set-up pages); or choose another file with -c, or start from an example: trueup config example > trueup.yaml (trueup demo needs no file)", path, fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return src, nil
}

// Database returns where the database of a file is, whatever is wrong with the
// rest of it: who only reads the database needs no more. It is false when that
// cannot be told for sure.
func Database(path string, types Types, env func(string) (string, bool)) (Secret, bool) {
	c, ok := alone("database", path, types, env)
	if !ok {
		return "", false
	}
	c.resolve(filepath.Dir(path))
	return c.Database, true
}

// Listen returns the address on which a file has the service listen, as Database
// returns its database.
func Listen(path string, types Types, env func(string) (string, bool)) (string, bool) {
	c, ok := alone("listen", path, types, env)
	if !ok {
		return "", false
	}
	return c.Listen, true
}

// alone reads one key of the top of a file, whatever is wrong with the others. It is
// false when the key's value cannot be told for sure.
func alone(key, path string, types Types, env func(string) (string, bool)) (*Config, bool) {
	src, err := os.ReadFile(path) // #nosec G304 -- the file that the person who runs this names
	if err != nil {
		return nil, false
	}
	r := &report{file: path, places: places{"": 1}, bad: map[string]bool{}, written: map[string]string{}}
	root := readTree(r, src)
	if root == nil {
		return nil, false
	}
	c := &Config{Path: path, places: r.places}
	d := &decoder{report: r, dir: filepath.Dir(path), types: types, env: env}
	d.value(root, "", reflect.ValueOf(c).Elem())
	v := &validator{report: r, config: c}
	v.database("database", c.Database)
	v.listen("listen", c.Listen)
	_, written := r.places[key]
	if _, inFile := r.places[key+fileSuffix]; inFile {
		written = true
	}
	for _, f := range r.faults {
		aboutIt := f.Path == "" || f.Path == key || f.Path == key+fileSuffix
		// A key on top that is not known may be this one, misspelt.
		misspelt := !written && !strings.ContainsAny(f.Path, ".[") && f.Path != "database" && f.Path != "listen"
		if aboutIt || misspelt {
			return nil, false
		}
	}
	return c, true
}

// HashOf tells the text of a file from another, also of one with faults.
func HashOf(src []byte) string {
	sum := sha256.Sum256(src)
	return hex.EncodeToString(sum[:8])
}

// Parse reads a file's text. name is what faults call the file, dir the folder
// its relative paths start from.
func Parse(name string, src []byte, dir string, types Types, env func(string) (string, bool)) (*Config, error) {
	r := &report{file: name, places: places{"": 1}, bad: map[string]bool{}, written: map[string]string{}}
	root := readTree(r, src)
	if root == nil {
		return nil, r.sorted()
	}
	c := &Config{Path: name, Hash: HashOf(src), places: r.places}
	d := &decoder{report: r, dir: dir, types: types, env: env}
	d.value(root, "", reflect.ValueOf(c).Elem())
	c.name()
	checkSettings(r, c)
	checkSides(r, c)
	(&validator{report: r, config: c}).file()
	checkSeveral(r, c)
	findCircles(r, c)
	findTwoWriters(r, c)
	checkCoverage(r, c)
	if len(r.faults) > 0 {
		return nil, r.sorted()
	}
	c.Written = written(root, r.secrets)
	c.Shown = shown(src, root, r, types)
	c.resolve(dir)
	c.protect()
	c.nameAccounts(r.writtenFor)
	return c, nil
}

// Connections reads only the connections of a text that has no syncs yet. What else
// is missing is no fault.
func Connections(name string, src []byte, dir string, types Types, env func(string) (string, bool)) (map[string]Connection, error) {
	r := &report{file: name, places: places{"": 1}, bad: map[string]bool{}, written: map[string]string{}}
	root := readTree(r, src)
	if root == nil {
		return nil, r.sorted()
	}
	c := &Config{Path: name, places: r.places}
	d := &decoder{report: r, dir: dir, types: types, env: env}
	d.value(root, "", reflect.ValueOf(c).Elem())
	c.name()
	checkSettings(r, c)
	v := &validator{report: r, config: c}
	for _, name := range slices.Sorted(maps.Keys(c.Connections)) {
		v.connection(join("connections", name), c.Connections[name])
	}
	if len(r.faults) > 0 {
		return nil, r.sorted()
	}
	return c.Connections, nil
}

// InlineSecrets returns the paths of the secrets that a text itself holds, instead of
// a reference to a file or to the environment.
func InlineSecrets(src []byte, dir string, types Types) []string {
	r := &report{places: places{"": 1}, bad: map[string]bool{}, written: map[string]string{}}
	root := readTree(r, src)
	if root == nil {
		return nil
	}
	d := &decoder{report: r, dir: dir, types: types, env: func(string) (string, bool) { return "x", true }}
	d.value(root, "", reflect.ValueOf(&Config{}).Elem())
	var all []string
	for _, s := range written(root, r.secrets) {
		if s.Secret != "" && strings.Trim(s.Secret.Reveal(), "\x00") != "" {
			all = append(all, s.Path)
		}
	}
	return all
}

// Line returns the line of a path in the file, or of the nearest thing around
// it when the file has nothing there.
func (c *Config) Line(path string) int { return c.places.line(path) }

// Says reports whether the file has a key, in words of its own.
func (c *Config) Says(path string) bool {
	_, ok := c.places[path]
	return ok
}

// SaysMode reports whether the file gives a sync its mode in words; without
// them it is the default.
func (c *Config) SaysMode(sync string) bool {
	return c.Says(join(join("syncs", sync), "mode"))
}

// Fault makes a Fault of this file out of a check that only the caller can do.
func (c *Config) Fault(path, problem, remedy string) Fault {
	return Fault{File: c.Path, Line: c.Line(path), Path: path, Problem: problem, Remedy: remedy}
}

// name tells connections and syncs what the file calls them.
func (c *Config) name() {
	for name, conn := range c.Connections {
		conn.Name, conn.PublicURL = name, c.PublicURL
		c.Connections[name] = conn
	}
	for name, sync := range c.Syncs {
		sync.Name = name
		c.Syncs[name] = sync
	}
}

// resolve makes a SQLite path start at the file's folder, so that every
// command finds the same database from wherever it is called.
func (c *Config) resolve(dir string) {
	if path := c.Database.Reveal(); !strings.Contains(path, "://") && !filepath.IsAbs(path) {
		c.Database = Secret(filepath.Join(dir, path))
	}
}

// checkSettings lets each connector check what only it understands.
func checkSettings(r *report, c *Config) {
	for _, name := range slices.Sorted(maps.Keys(c.Connections)) {
		conn := c.Connections[name]
		if conn.Settings != nil {
			conn.Settings.Check(&Checker{prefix: join("connections", name), report: r.invalid}, conn)
		}
	}
}
