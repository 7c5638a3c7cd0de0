package httpconn

import (
	"maps"
	"net/http"
	"slices"
)

// Find searches records: one call for every key, or one of its own for each.
type Find struct {
	Search `yaml:",inline"`
	// By has the calls of single keys.
	By map[string]Search `yaml:",rest"`
}

// Search is one call that searches records by a key; exactly one of Get, Post.
type Search struct {
	Get     string `yaml:"get" jsonschema_description:"The path of the search, with {value} and, for every key at once, {key}."`
	Post    string `yaml:"post" jsonschema_description:"The path of a search that is asked with a body, instead of get."`
	Body    any    `yaml:"body" jsonschema_description:"The JSON body of post, with {value} and {key} in its strings."`
	Records string `yaml:"records" jsonschema:"default=body" jsonschema_description:"Where the answer has the records that were found (CEL)."`
}

func (s Search) given() bool {
	return s.Get != "" || s.Post != "" || s.Body != nil || s.Records != ""
}

// search is a Search that has been found sound.
type search struct {
	call    asking
	records *expression
}

// asking is a request with placeholders that only reads.
type asking struct {
	key    string // its place in the file
	method string
	path   *template
	body   any // nil for none
}

func (c asking) has(names ...string) bool {
	return c.path.has(names...) || bodyHas(c.body, names)
}

// reading compiles a call of get or post. nil says that it was reported.
func (c *compiler) reading(at, get, post string, body any, example string, known ...string) *asking {
	key, method, path := at+".get", http.MethodGet, get
	switch {
	case get != "" && post != "":
		c.fault(at, "has both get and post", "keep the one that the tool needs")
		return nil
	case post != "":
		key, method, path = at+".post", http.MethodPost, post
	case body != nil:
		c.fault(at+".body", "is given, and a body is sent only with post", "write post instead of get, or remove it")
		return nil
	}
	t := c.path(key, path, example, nil, known...)
	if t == nil {
		return nil
	}
	if _, problem := checkBody(body, known, nil); problem != "" {
		c.fault(at+".body", problem, "the placeholders are "+braced(known))
		return nil
	}
	return &asking{key: key, method: method, path: t, body: body}
}

func (c *compiler) findCalls() {
	f := c.s.Find
	if f == nil {
		return
	}
	c.out.find = map[string]*search{}
	if f.given() || len(f.By) == 0 {
		c.search("find", "", f.Search)
	}
	for _, key := range slices.Sorted(maps.Keys(f.By)) {
		at := "find." + key
		if _, ok := c.s.Record.Keys[key]; !ok {
			c.fault(at, "is no key of record.keys", "write record.keys."+key+" as well: the records that are found are compared by it")
		}
		c.search(at, key, f.By[key])
	}
}

// search compiles the search of one key, "" for every key that has none.
func (c *compiler) search(at, key string, s Search) {
	example := "/customers?{key}={value}"
	if key != "" {
		example = "/customers?" + key + "={value}"
	}
	found := &search{records: c.expr(at+".records", orBody(s.Records), varHeaders, varBody)}
	one := c.reading(at, s.Get, s.Post, s.Body, example, phValue, phKey)
	if one == nil {
		return
	}
	if !one.has(phValue) {
		c.fault(one.key, "does not hold {value}", "write a path such as "+example)
	}
	found.call = *one
	c.out.find[key] = found
}

// searchOf is the search of a key, nil when there is none.
func (c *compiled) searchOf(key string) *search {
	if s, ok := c.find[key]; ok {
		return s
	}
	return c.find[""]
}

func braced(names []string) string {
	text := ""
	for i, n := range names {
		switch {
		case i == 0:
		case i == len(names)-1:
			text += " and "
		default:
			text += ", "
		}
		text += "{" + n + "}"
	}
	return text
}
