package pages

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"path"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/people"
)

//go:embed templates
var templateFiles embed.FS

// shared are the templates that every page has: the layout and the components.
var shared = []string{"templates/layout.html", "templates/components.html", "templates/wizard.html"}

// look is the pages' templates in one time zone, by name: those of the pages that
// somebody has seen, made from what they share.
type look struct {
	shared *template.Template
	pages  map[string]*template.Template
}

// looks are the templates. All of them would be most of what a service at rest holds,
// again for each zone: a page's is made when it is first shown.
type looks struct {
	now func() time.Time

	mu  sync.Mutex
	all map[string]look
}

// zonesKept bounds how many zones' templates are kept.
const zonesKept = 40

// of returns the template of a page that tells times in a zone.
func (l *looks) of(zone *time.Location, page string) (*template.Template, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, ok := l.all[zone.String()]
	if !ok {
		base, err := template.New("").Funcs(functions(clock{zone: zone, now: l.now})).ParseFS(templateFiles, shared...)
		if err != nil {
			return nil, err
		}
		found = look{base, map[string]*template.Template{}}
		if l.all == nil || len(l.all) >= zonesKept {
			l.all = map[string]look{}
		}
		l.all[zone.String()] = found
	}
	if made, ok := found.pages[page]; ok {
		return made, nil
	}
	made, err := found.shared.Clone()
	if err != nil {
		return nil, err
	}
	if made, err = made.ParseFS(templateFiles, path.Join("templates", page+".html")); err != nil {
		return nil, fmt.Errorf("make the page %s: %w", page, err)
	}
	found.pages[page] = made
	return made, nil
}

// execute renders a template of a page.
func (l *looks) execute(v *visit, page, name string, data any) ([]byte, error) {
	t, err := l.of(v.zone, page)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, data); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// answering sends what a function of a visit returns.
func (p *Pages) answering(do func(*visit) (answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{Request: r, Pages: p, zone: p.zoneOf(r), now: p.Now(), w: w}
		a, err := do(v)
		if err == nil {
			err = p.send(v, a)
		}
		if err != nil {
			p.refuse(v, err)
		}
	})
}

// send renders an answer and writes it.
func (p *Pages) send(v *visit, a answer) error {
	switch {
	case a.done:
		return nil
	case a.To != "":
		if a.Said != "" {
			say(v.w, v.Request, a.Said)
		}
		http.Redirect(v.w, v.Request, a.To, http.StatusSeeOther)
		return nil
	case a.File != nil:
		v.w.Header().Set("Content-Type", a.File.Type)
		v.w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", a.File.Name))
		_, err := v.w.Write(a.File.Content)
		return err
	}
	s, err := p.shellOf(v, a)
	if err != nil {
		return err
	}
	page, err := p.looks.execute(v, a.Page, "layout", s)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if a.Status != 0 {
		v.w.WriteHeader(a.Status)
	}
	_, err = v.w.Write(page)
	return err
}

// trouble is what the page of an error shows.
type trouble struct {
	*Refusal
	Reference string
	At        time.Time
	// Icon is the sign above it.
	Icon string
}

// refuse shows an error. Only a Refusal is shown in its own words.
func (p *Pages) refuse(v *visit, err error) {
	t := trouble{At: v.now, Icon: "warning"}
	if !errors.As(err, &t.Refusal) {
		t.Reference = reference()
		p.Log.Error("page", slog.String("reference", t.Reference), slog.String("method", v.Method), slog.String("route", v.Pattern), slog.Any("error", err))
		t.Refusal = &Refusal{Status: http.StatusInternalServerError, Title: "We couldn’t load this page",
			Text: "Webhooks are still accepted and stored, and syncs continue automatically.", Ways: []Way{{"Try again", v.URL.RequestURI()}}}
		if v.Method != http.MethodGet {
			t.Refusal = &Refusal{Status: http.StatusInternalServerError, Title: "We don’t know whether this was done",
				Text: "Something failed on the way. Check what is there now before you send the form again.", Ways: []Way{{"Go to Home", "/"}}}
		}
	}
	if t.Status == http.StatusForbidden {
		t.Icon = "lock"
	}
	a := answer{Page: "error", Title: t.Title, Frame: narrow, Status: t.Status, Data: t}
	if v.Person.Role == open {
		a.Frame = door
	}
	s, err := p.shellOf(v, a)
	if err != nil { // the database may be what failed
		a.Frame = door
		s = p.bare(v, a)
	}
	page, err := p.looks.execute(v, a.Page, "layout", s)
	if err != nil {
		p.Log.Error("page of an error", slog.Any("error", err))
		http.Error(v.w, t.Title, t.Status)
		return
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(t.Status)
	v.w.Write(page)
}

// reference is what an error is found by in the log.
func reference() string {
	var random [3]byte
	rand.Read(random[:]) // never fails
	return "e-" + hex.EncodeToString(random[:])
}

// saidCookie holds one sentence until the next page shows it.
const saidCookie = "trueup-said"

// say keeps a sentence for the next page.
func say(w http.ResponseWriter, r *http.Request, sentence string) {
	http.SetCookie(w, &http.Cookie{Name: saidCookie, Value: base64.RawURLEncoding.EncodeToString([]byte(cut(sentence, 600))), Path: "/",
		MaxAge: 60, HttpOnly: true, Secure: !people.Here(r), SameSite: http.SameSiteLaxMode}) // #nosec G124 -- it is secure, but on this machine, where there is no TLS; it holds no secret
}

// said returns the sentence that the action before has left, once.
func said(w http.ResponseWriter, r *http.Request) string {
	c, err := r.Cookie(saidCookie)
	if err != nil {
		return ""
	}
	http.SetCookie(w, &http.Cookie{Name: saidCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: !people.Here(r), SameSite: http.SameSiteLaxMode}) // #nosec G124 -- as above
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return ""
	}
	return cut(string(text), 600)
}
