package pages

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"slices"

	"github.com/yuin/goldmark"

	"github.com/trueup-sync/trueup/docs"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// helpPath is the path of the page about a kind of exception.
func helpPath(kind status.Kind) string { return "/help/" + string(kind) }

// another matches a link to the page of another kind; away matches every other
// link, which would lead nowhere from here.
var (
	another = regexp.MustCompile(`<a href="([a-z_]+)\.md">`)
	away    = regexp.MustCompile(`<a href="\.\.[^"]*">([^<]*)</a>`)
)

func helpRoutes() []route {
	return []route{{http.MethodGet, "/help/{kind}", open, help}}
}

// help answers GET /help/{kind}: what a kind of exception means, and what to do.
func help(v *visit) (answer, error) {
	kind := status.Kind(v.PathValue("kind"))
	if !slices.Contains(status.Kinds, kind) {
		return answer{}, &Refusal{Status: http.StatusNotFound, Title: "There is no such kind of exception", Text: "The kinds are listed in the docs."}
	}
	text, err := helpOf(kind)
	if err != nil {
		return answer{}, err
	}
	a := answer{Page: "help", Title: reason.KindNames[kind], Frame: narrow, Data: text}
	if v.Person.Role == open {
		a.Frame = paper
	}
	return a, nil
}

// helpOf is the text about a kind.
func helpOf(kind status.Kind) (template.HTML, error) {
	source, err := docs.Exceptions.ReadFile(fmt.Sprintf("exceptions/%s.md", kind))
	if err != nil {
		return "", err
	}
	var text bytes.Buffer
	if err := goldmark.Convert(source, &text); err != nil {
		return "", err
	}
	body := another.ReplaceAll(text.Bytes(), []byte(`<a href="/help/$1">`))
	return template.HTML(away.ReplaceAll(body, []byte("$1"))), nil // #nosec G203 -- our own pages, embedded in the binary
}
