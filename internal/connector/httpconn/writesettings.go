package httpconn

import (
	"cmp"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
)

// Write sets the status of one record; exactly one of Put, Patch, Post, or Add
// with Remove.
type Write struct {
	Put   string `yaml:"put"`
	Patch string `yaml:"patch"`
	Post  string `yaml:"post"`
	Body  any    `yaml:"body"`
	// Format is how Body is sent: json (default) or form.
	Format string `yaml:"format"`
	// Add and Remove are calls for a tool that keeps the status as one of the
	// record's tags, or in which list the record is.
	Add    *Step `yaml:"add"`
	Remove *Step `yaml:"remove"`
	// One of the following makes the write conditional.
	IfMatch           string `yaml:"if_match"`
	IfUnmodifiedSince string `yaml:"if_unmodified_since"`
	// Revision is what {revision} stands for.
	Revision string `yaml:"revision"`
	// Record is the written record in the answer; without it the record is read.
	Record string `yaml:"record"`
	// ReadBack is false for a tool that cannot show what was written.
	ReadBack *bool `yaml:"read_back"`
}

// Step is one call of a write that is several; exactly one of its methods.
type Step struct {
	Put    string `yaml:"put"`
	Patch  string `yaml:"patch"`
	Post   string `yaml:"post"`
	Delete string `yaml:"delete"`
	Body   any    `yaml:"body"`
	Format string `yaml:"format"`
}

// The formats of a body.
const (
	formatJSON = "json"
	formatForm = "form"
)

// unverified reports whether a write has to be taken for done by its answer.
func (w *Write) unverified() bool { return w != nil && w.ReadBack != nil && !*w.ReadBack }

// conditional reports whether a write names what was read.
func (w *Write) conditional() bool {
	if w == nil || w.Add != nil {
		return false
	}
	_, path, _, _ := w.request()
	body, _ := checkBody(w.Body, writePlaceholders, []string{phRevision, phUpdatedAt})
	return w.IfMatch != "" || w.IfUnmodifiedSince != "" || body || hasPlaceholder(path, []string{phRevision, phUpdatedAt})
}

// request returns the method, the path and the key it stands under; "" when
// none is given, and more is true when there are several. Of several calls it is
// the first.
func (w *Write) request() (method, path, key string, more bool) {
	if w.Add != nil && w.Put+w.Patch+w.Post == "" {
		method, path, key, more = w.Add.request()
		return method, path, "add." + key, more
	}
	return one(call{"PUT", w.Put, "put"}, call{"PATCH", w.Patch, "patch"}, call{"POST", w.Post, "post"})
}

func (s *Step) request() (method, path, key string, more bool) {
	return one(call{"PUT", s.Put, "put"}, call{"PATCH", s.Patch, "patch"}, call{"POST", s.Post, "post"}, call{"DELETE", s.Delete, "delete"})
}

type call struct{ method, path, key string }

func one(calls ...call) (method, path, key string, more bool) {
	for _, c := range calls {
		if c.path == "" {
			continue
		}
		if path != "" {
			return method, path, key, true
		}
		method, path, key = c.method, c.path, c.key
	}
	return method, path, key, false
}

// writing is a compiled Write.
type writing struct {
	step                               // the one call
	add, remove                  *step // or several
	ifMatch, unmodified, version *expression
	record                       *expression
	// needs are the placeholders of a condition that stand in the call.
	needs []string
}

// step is one compiled call.
type step struct {
	method string
	path   *template
	body   any
	form   bool
}

// placeholders of a write's calls.
var writePlaceholders = []string{phID, phValue, phStatus, phPrevious, phRevision, phUpdatedAt}

func (c *compiler) writeCall() {
	w := c.s.Write
	if w == nil {
		return
	}
	c.require(c.s.Read != nil, "read", "write is given, and Trueup reads a record before and after each write: add read")
	out := &writing{}
	if w.Add != nil || w.Remove != nil {
		c.writeSteps(w, out)
	} else {
		method, text, key, several := w.request()
		switch {
		case several:
			c.fault("write", "has more than one of put, patch and post", "keep the one that the tool needs")
			return
		case text == "":
			c.fault("write", "has none of put, patch and post", `write a path such as put: "/customers/{id}"`)
			return
		}
		out.step = c.step("write", key, method, text, w.Body, w.Format, "/customers/{id}", []string{phValue, phStatus}, writePlaceholders)
	}
	c.condition(w, out)
	out.record = c.expr("write.record", w.Record, varHeaders, varBody)
	if w.Record != "" && w.unverified() {
		c.fault("write.record", "is given, and read_back is false", "remove read_back: the answer to the write shows what the record holds; or remove record")
	}
	c.out.write = out
}

// step compiles one call. One of the wanted placeholders and {id} must stand in it.
func (c *compiler) step(at, key, method, text string, body any, format, example string, wanted, known []string) step {
	s := step{method: method, body: body, path: c.path(at+"."+key, text, example, nil, known...)}
	found, problem := checkBody(body, known, wanted)
	if problem != "" {
		c.fault(at+".body", problem, "the placeholders are {"+strings.Join(known, "}, {")+"}")
	}
	hasID, _ := checkBody(body, known, []string{phID})
	if t := s.path; t != nil {
		if problem == "" && !found && !t.has(wanted...) {
			c.fault(at+".body", "does not contain {"+wanted[0]+"}", `write what the tool needs, such as body: {status: "{`+wanted[0]+`}"}`)
		}
		if !hasID && !t.has(phID) {
			c.fault(at+"."+key, "does not contain {id}", "write a path such as "+example)
		}
		c.fitsOptions(at, wanted, t.text, body)
	}
	switch format {
	case "", formatJSON:
	case formatForm:
		s.form = true
		if fields, ok := body.(map[string]any); !ok && body != nil || !isFlat(fields) {
			c.fault(at+".body", "cannot be sent as a form", `write names with texts, numbers, true or false, such as {"customer[cf_status]": "{value}"}`)
		}
	default:
		c.fault(at+".format", "is neither json nor form", "write form for a tool that wants application/x-www-form-urlencoded; json is the default")
	}
	return s
}

// fitsOptions refuses null and lists where a word can only be a text.
func (c *compiler) fitsOptions(at string, wanted []string, path string, body any) {
	if c.out.words == nil || !hasPlaceholder(path, wanted) && !embedded(body, wanted) {
		return
	}
	for word, taken := range c.out.words.now().taken {
		if _, isList := taken.([]any); isList || taken == nil {
			c.fault("options."+word, "is null or a list, and "+at+" has {"+wanted[0]+"} inside a text or in the path", `write it in the body as a text of its own, such as status: "{`+wanted[0]+`}"`)
			return
		}
	}
}

// embedded reports whether one of the placeholders stands inside a longer text of
// the body.
func embedded(body any, names []string) bool {
	switch b := body.(type) {
	case string:
		return hasPlaceholder(b, names) && !slices.ContainsFunc(names, func(name string) bool { return b == "{"+name+"}" })
	case []any:
		return slices.ContainsFunc(b, func(item any) bool { return embedded(item, names) })
	case map[string]any:
		for _, item := range b {
			if embedded(item, names) {
				return true
			}
		}
	}
	return false
}

func isFlat(fields map[string]any) bool {
	for _, v := range fields {
		switch v.(type) {
		case map[string]any, []any:
			return false
		}
	}
	return true
}

// writeSteps compiles the calls of a write that adds one word and removes others.
func (c *compiler) writeSteps(w *Write, out *writing) {
	if w.Put+w.Patch+w.Post+w.Format != "" || w.Body != nil {
		c.fault("write", "has add or remove beside put, patch, post, body or format", "keep one: add and remove are for tags and lists")
	}
	for _, one := range []struct {
		key    string
		s      *Step
		into   **step
		wanted []string
		known  []string
	}{
		{"add", w.Add, &out.add, []string{phValue, phStatus}, []string{phID, phValue, phStatus}},
		{"remove", w.Remove, &out.remove, []string{phPrevious}, []string{phID, phPrevious}},
	} {
		at := "write." + one.key
		if one.s == nil {
			c.fault(at, "is missing", `write both: add: {post: "/contacts/{id}/tags", body: {tag: "{value}"}} and remove: {delete: "/contacts/{id}/tags/{previous}"}`)
			continue
		}
		method, text, key, several := one.s.request()
		if several || text == "" {
			c.fault(at, "does not have exactly one of put, patch, post and delete", `write a path such as post: "/contacts/{id}/tags"`)
			continue
		}
		s := c.step(at, key, method, text, one.s.Body, one.s.Format, "/contacts/{id}/tags/{"+one.wanted[0]+"}", one.wanted, one.known)
		*one.into = &s
	}
	for key, given := range map[string]bool{"if_match": w.IfMatch != "", "if_unmodified_since": w.IfUnmodifiedSince != "", "revision": w.Revision != "", "record": w.Record != "", "read_back": w.unverified()} {
		if given {
			c.fault("write."+key, "is given beside add and remove", "remove it: the record is read before the first call and after the last")
		}
	}
}

// condition compiles what makes a write conditional: one of three.
func (c *compiler) condition(w *Write, out *writing) {
	vars := []string{varBody, varHeaders, varRecord}
	out.ifMatch = c.expr("write.if_match", w.IfMatch, vars...)
	out.unmodified = c.expr("write.if_unmodified_since", w.IfUnmodifiedSince, vars...)
	out.version = c.expr("write.revision", w.Revision, vars...)
	given := 0
	for _, text := range []string{w.IfMatch, w.IfUnmodifiedSince, w.Revision} {
		if text != "" {
			given++
		}
	}
	if given > 1 {
		c.fault("write", "has more than one of if_match, if_unmodified_since and revision", "keep the one that the tool understands")
	}
	if w.Add != nil || w.Remove != nil {
		return
	}
	for _, name := range []string{phRevision, phUpdatedAt} {
		body, _ := checkBody(w.Body, writePlaceholders, []string{name})
		if body || out.path != nil && out.path.has(name) {
			out.needs = append(out.needs, name)
		}
	}
	uses := slices.Contains(out.needs, phRevision)
	switch {
	case uses && w.Revision == "":
		c.fault("write.revision", "is missing, and {revision} is used", "write where a record has its version, such as record.version")
	case !uses && w.Revision != "":
		c.fault("write.revision", "is given, and {revision} is used nowhere", "write {revision} in the path or the body, or remove it; for a header write if_match")
	}
	switch needed := slices.Contains(out.needs, phUpdatedAt); {
	case needed && c.s.Record.StatusAt != "":
		c.fault("record.status_at", "is given, and write uses {updated_at}", "use {revision} instead, with write.revision: "+cmp.Or(c.s.Record.UpdatedAt, "record.updated_at"))
	case needed && c.s.Record.UpdatedAt == "":
		c.fault("record.updated_at", "is missing, and write uses {updated_at}", "write where a record has the time of its last change, such as record.updated_at")
	}
}

// writtenSteps are the fields of a write that adds and removes: as many as words.
func (s *Settings) writtenSteps(side config.Side) (all []string) {
	_, path, _, _ := s.Write.Add.request()
	path, _, _ = strings.Cut(path, "?")
	for _, word := range side.Values {
		all = append(all, strings.Trim(path, "/")+" "+word)
	}
	return all
}
