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

// another matches a link to the page of another kind, and tool one to the docs of a type of
// tool, which are not here: their name is said. away matches every other link, which would
// lead nowhere.
var (
	another = regexp.MustCompile(`<a href="([a-z_]+)\.md">`)
	tool    = regexp.MustCompile(`<a href="\.\./(connectors/[a-z]+\.md)[^"]*">[^<]*</a>`)
	away    = regexp.MustCompile(`<a href="\.\.[^"]*">([^<]*)</a>`)
)

func helpRoutes() []route {
	return []route{{http.MethodGet, "/help", open, helpList}, {http.MethodGet, "/help/{$}", open, helpList}, {http.MethodGet, "/help/{kind}", open, help}}
}

// helpList answers GET /help: the pages of help.
func helpList(v *visit) (answer, error) {
	var kinds []helpPage
	for _, kind := range status.Kinds {
		kinds = append(kinds, helpPage{Kind: kind, Name: reason.KindNames[kind], Lead: reason.Kinds[kind]})
	}
	return v.help(answer{Page: "helplist", Title: "Help", Data: kinds}), nil
}

// help lays out a page that is for everyone.
func (v *visit) help(a answer) answer {
	if a.Frame = narrow; v.Person.Role == open {
		a.Frame = paper
	}
	return a
}

// help answers GET /help/{kind}: what a kind of exception means, and what to do.
func help(v *visit) (answer, error) {
	kind := status.Kind(v.PathValue("kind"))
	if !slices.Contains(status.Kinds, kind) {
		return answer{}, &Refusal{Status: http.StatusNotFound, Title: "There is no such kind of exception", Text: "Help lists the kinds.", Ways: []Way{{"Open Help", "/help"}}}
	}
	text, err := helpOf(kind)
	if err != nil {
		return answer{}, err
	}
	return v.help(answer{Page: "help", Title: reason.KindNames[kind], Data: helpPage{Kind: kind, Name: reason.KindNames[kind], Lead: reason.Kinds[kind], Here: here(kind), Text: text}}), nil
}

// helpPage is what a page of help shows.
type helpPage struct {
	Kind       status.Kind
	Name, Lead string
	Here       string // what to do on these pages
	Text       template.HTML
}

// here says what a person who has no terminal does about a kind.
func here(kind status.Kind) string {
	switch layoutOf(kind, reason.Reason{}) {
	case layoutMatch:
		return "Open the exception. It shows the customer beside the records that may be it: press “This is the one”, or name another record. Or correct the tool, then press “Look again now”."
	case layoutMap:
		return "Open the exception and choose what the value means. You see who would change and which lines of trueup.yaml change, before anything is saved."
	case layoutVersus:
		return "Open the exception. Both values stand side by side, with when they changed and by whom: choose the one that is right. Nothing is written before you do."
	}
	if kind == status.MassChange {
		return "Home shows what the customers have in common. If it is right, resume the sync there and say why. If it is a mistake, correct it in the tool that decides."
	}
	return "Open the exception. It says what happened and what to do. Once that is done, press “Look again now”."
}

// title is the first line of a text, which the page has in plain words.
var title = regexp.MustCompile(`(?s)^<h1[^>]*>.*?</h1>\s*`)

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
	body := another.ReplaceAll(title.ReplaceAll(text.Bytes(), nil), []byte(`<a href="/help/$1">`))
	body = tool.ReplaceAll(body, []byte("<code>docs/$1</code>"))
	return template.HTML(away.ReplaceAll(body, []byte("$1"))), nil // #nosec G203 -- our own pages, embedded in the binary
}
