package demo

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed pages
var pageFiles embed.FS

var pageTemplates = template.Must(template.New("").Funcs(template.FuncMap{
	"ago":   ago,
	"clock": func(t time.Time) string { return t.Local().Format("15:04:05") },
	"tone":  tone,
}).ParseFS(pageFiles, "pages/*.html"))

// links is where the three pages of the demonstration are.
type links struct{ Billing, CRM, Trueup string }

// site is what the pages of both tools share: their head, their looks and the
// rules a browser is told.
type site struct {
	// template names the page's part that is renewed every second.
	template string
	title    string
	links    func() links
	// data is what the template shows.
	data func() any
	// click carries out a form: a record's id and the value that was clicked.
	click func(id, value string) error
}

// routes adds the pages to mux.
func (s site) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { s.render(w, "page") })
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, r *http.Request) { s.render(w, s.template) })
	mux.HandleFunc("POST /click", func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
		if err := s.click(r.PostFormValue("id"), r.PostFormValue("value")); err != nil {
			http.Error(w, err.Error()+". Go back and choose again.", http.StatusUnprocessableEntity)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	for _, file := range []string{"/pages/style.css", "/pages/live.js"} {
		mux.Handle("GET "+file, http.FileServerFS(pageFiles))
	}
}

// render writes to a buffer first, so that a template that fails leaves no half
// page behind.
func (s site) render(w http.ResponseWriter, name string) {
	var b bytes.Buffer
	err := pageTemplates.ExecuteTemplate(&b, name, map[string]any{
		"Title": s.title, "Part": s.template, "Links": s.links(), "Data": s.data()})
	if err != nil {
		http.Error(w, "this page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(b.Bytes())
}

// browserRules lets the pages load their own files and nothing else, and keeps
// other sites from clicking on a visitor's behalf: the pages need no login, so
// that is the only way in.
func browserRules(next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "+
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// choice is one value a visitor may click.
type choice struct {
	Value   string
	Current bool
}

func choices(values []string, current string) []choice {
	list := make([]choice, len(values))
	for i, v := range values {
		list[i] = choice{Value: v, Current: v == current}
	}
	return list
}

// handler is the billing tool's API and pages.
func (b *billing) handler(where func() links) http.Handler {
	mux := http.NewServeMux()
	b.routes(mux)
	site{template: "billing", title: "Tally Billing", links: where, data: b.view, click: func(id, value string) error {
		ev, err := b.change(id, value, byPage)
		if err != nil {
			return err
		}
		return b.send(ev, 1)
	}}.routes(mux)
	return browserRules(mux)
}

func (b *billing) view() any {
	type row struct {
		customer
		Choices []choice
	}
	type sent struct {
		At                      time.Time
		ID, Name, Value, Answer string
		Delivered               bool
		Tries                   int
	}
	var rows []row
	names := map[string]string{}
	for _, c := range b.list() {
		names[c.ID] = c.Name
		rows = append(rows, row{c, choices(billingValues, c.Status)})
	}
	var out []sent
	for _, d := range b.sender.deliveries() {
		out = append(out, sent{At: d.at, ID: d.id, Name: names[d.about], Value: d.value, Answer: d.answer,
			Delivered: d.done, Tries: d.tries})
	}
	return map[string]any{"Rows": rows, "Sent": out}
}

// handler is the CRM's API and pages.
func (c *crm) handler(where func() links) http.Handler {
	mux := http.NewServeMux()
	c.routes(mux)
	site{template: "crm", title: "Rolo CRM", links: where, data: c.view, click: func(id, value string) error {
		return c.edit(id, value, someHuman, byPage)
	}}.routes(mux)
	return browserRules(mux)
}

// keptEdits is how many edits the CRM's page shows.
const keptEdits = 14

func (c *crm) view() any {
	type row struct {
		contact
		Choices []choice
		Editor  string
	}
	type past struct {
		At                  time.Time
		Name, From, To, Who string
		Refused             string
	}
	var rows []row
	names := map[string]string{}
	for _, r := range c.list() {
		names[r.ID] = r.Name
		rows = append(rows, row{r, choices(crmValues, r.Status), editor(r.UpdatedBy)})
	}
	var history []past
	all := c.journal.since(0)
	for i := len(all) - 1; i >= 0 && len(history) < keptEdits; i-- {
		h := all[i]
		p := past{At: h.at, Name: names[h.record], From: h.from, To: h.to}
		switch h.what {
		case edited:
			p.Who = "a person"
		case written:
			p.Who = "Trueup"
		case refused:
			p.Who, p.Refused = "Trueup", h.note
		default:
			continue
		}
		history = append(history, p)
	}
	return map[string]any{"Rows": rows, "History": history}
}

// editor says who an updated_by stands for.
func editor(updatedBy string) string {
	switch {
	case updatedBy == apiTrueup:
		return "Trueup"
	case strings.HasPrefix(updatedBy, "human:"):
		return "a person"
	case updatedBy == "":
		return ""
	}
	return "another program"
}

// tone groups the values of both tools by how they are coloured.
func tone(value string) string {
	switch value {
	case "active", "Active":
		return "good"
	case "trialing":
		return "fresh"
	case "past_due", "paused", "Paused":
		return "wait"
	case "canceled", "Churned":
		return "gone"
	}
	return "plain"
}

func ago(t time.Time) string {
	switch d := time.Since(t); {
	case d < 2*time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
}
