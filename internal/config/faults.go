package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fault is one thing wrong in a file.
type Fault struct {
	File string
	Line int
	// Path is where in the file, "" for the file as a whole.
	Path    string
	Problem string
	Remedy  string
}

// String is file:line first, so that an editor or a terminal can jump there.
func (f Fault) String() string {
	text := at(f.File, f.Line, f.Path) + f.Problem
	if f.Remedy != "" {
		text += "; " + f.Remedy
	}
	return text
}

// Faults are all faults of a file, in the order of its lines.
type Faults []Fault

// Error has one fault on each line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

func at(file string, line int, path string) string {
	text := fmt.Sprintf("%s:%d: ", file, line)
	if path != "" {
		text += path + ": "
	}
	return text
}

// report collects the faults of one file.
type report struct {
	file   string
	places places
	faults Faults
	// bad holds the paths whose value could not be read. What later checks
	// would say about them is a consequence, not another fault.
	bad map[string]bool
	// written is how each value that came out of the environment stands in
	// the file; that is all a fault may show of it.
	written map[string]string
	// writtenFor is the same by the value.
	writtenFor map[string]string
	// secrets holds the paths of secrets, and of lists of them.
	secrets map[string]bool
	// revealed are the secrets that came from elsewhere. They are never shown.
	revealed []string
}

// secret notes that a path holds a secret.
func (r *report) secret(path string) {
	if r.secrets == nil {
		r.secrets = map[string]bool{}
	}
	r.secrets[path] = true
}

// came notes a value that came out of the environment, and how it stands in the
// file.
func (r *report) came(path, value, written string) {
	if r.writtenFor == nil {
		r.writtenFor = map[string]string{}
	}
	r.written[path], r.writtenFor[value] = written, written
}

// unreadable reports a value that could not be read, on its own line.
func (r *report) unreadable(line int, path, problem, remedy string) {
	r.bad[path] = true
	r.add(line, path, problem, remedy)
}

// invalid reports a value that was read and is wrong, or is missing. Of a list with an item
// that could not be read, nothing is known.
func (r *report) invalid(path, problem, remedy string) {
	for unread := range r.bad {
		if strings.HasPrefix(unread, path+"[") {
			return
		}
	}
	for p := path; ; p = parent(p) {
		if r.bad[p] {
			return
		}
		if p == "" {
			break
		}
	}
	r.add(r.places.line(path), path, problem, remedy)
}

func (r *report) add(line int, path, problem, remedy string) {
	fault := Fault{File: r.file, Line: line, Path: path, Problem: problem, Remedy: remedy}
	if !slices.Contains(r.faults, fault) {
		r.faults = append(r.faults, fault)
	}
}

// has reports whether something at the path or below it is already at fault.
func (r *report) has(path string) bool {
	return slices.ContainsFunc(r.faults, func(f Fault) bool {
		return f.Path == path || strings.HasPrefix(f.Path, path+".") || strings.HasPrefix(f.Path, path+"[")
	})
}

func (r *report) sorted() Faults {
	slices.SortStableFunc(r.faults, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
	return r.faults
}

// show returns a value for a fault's text: as the file has it when it came
// from the environment.
func (r *report) show(path string, value any) string {
	if written, ok := r.written[path]; ok {
		return cut(written)
	}
	if d, ok := value.(time.Duration); ok {
		return d.String()
	}
	return cut(fmt.Sprint(value))
}

// places maps the path of everything in a file to the line it stands on.
type places map[string]int

// line returns the line of the path or, when there is nothing there, of the
// nearest thing around it.
func (p places) line(path string) int {
	for {
		if line, ok := p[path]; ok {
			return line
		}
		if line, ok := p[path+fileSuffix]; ok {
			return line
		}
		if path == "" {
			return 0
		}
		path = parent(path)
	}
}

// parent cuts the last key or list index off a path.
func parent(path string) string {
	if strings.HasSuffix(path, "]") {
		if i := strings.LastIndexByte(path, '['); i >= 0 {
			return path[:i]
		}
	}
	return path[:max(strings.LastIndexByte(path, '.'), 0)]
}
