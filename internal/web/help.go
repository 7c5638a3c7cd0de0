package web

import (
	"bytes"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"regexp"
	"slices"

	"github.com/yuin/goldmark"

	"trueup/docs"
	"trueup/internal/status"
)

// Help is the path of the page about a kind of exception.
func Help(kind status.Kind) string { return "/help/" + string(kind) }

var helpPage = template.Must(template.New("help").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Kind}}</title>
<style>
body { font: 16px/1.6 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; color: #1b1f24; }
code { background: #f2f4f6; padding: .1em .3em; border-radius: 3px; }
</style>
{{.Text}}
</html>
`))

// another matches a link to the page of another kind; away matches every other
// link, which would lead nowhere from here.
var (
	another = regexp.MustCompile(`<a href="([a-z_]+)\.md">`)
	away    = regexp.MustCompile(`<a href="\.\.[^"]*">([^<]*)</a>`)
)

// help shows the page about a kind: meaning, cause, remedy.
func (o Options) help(w http.ResponseWriter, r *http.Request) {
	kind := status.Kind(r.PathValue("kind"))
	if !slices.Contains(status.Kinds, kind) {
		http.NotFound(w, r)
		return
	}
	page, err := helpOf(kind)
	if err != nil {
		o.Log.Error("help page", slog.String("kind", string(kind)), slog.Any("error", err))
		http.Error(w, "the page could not be made; the log has the cause", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(page)
}

func helpOf(kind status.Kind) ([]byte, error) {
	source, err := docs.Exceptions.ReadFile(fmt.Sprintf("exceptions/%s.md", kind))
	if err != nil {
		return nil, err
	}
	var text, page bytes.Buffer
	if err := goldmark.Convert(source, &text); err != nil {
		return nil, err
	}
	body := another.ReplaceAll(text.Bytes(), []byte(`<a href="/help/$1">`))
	body = away.ReplaceAll(body, []byte("$1"))
	err = helpPage.Execute(&page, map[string]any{"Kind": kind, "Text": template.HTML(body)}) // #nosec G203 -- our own pages, embedded in the binary
	return page.Bytes(), err
}
