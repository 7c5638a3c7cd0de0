package pages

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/overview"
)

// shell is what is around every page.
type shell struct {
	answer
	Person Person
	// Theme is light or dark, "" for the browser's own.
	Theme string
	// Stream is where the page's changes come from, "" when it has none.
	Stream string
	// Open is how many exceptions are open.
	Open    int
	Syncs   []syncLink
	Working int
	Engine  string
	Version string
	Zone    string
	Said    string
	CSS, JS string
}

// syncLink is a sync in the side column.
type syncLink struct {
	Name    string
	Mode    modeWord
	Current bool
}

// shellOf is what is around the page of an answer.
func (p *Pages) shellOf(v *visit, a answer) (shell, error) {
	s := p.bare(v, a)
	if a.Frame == door || a.Frame == paper {
		return s, nil
	}
	if p.Store == nil && a.Frame != wizard { // what a set-up refuses has no side column
		s.Frame = door
		return s, nil
	}
	if a.Frame == wizard {
		return s, p.stream(v, a, &s)
	}
	halted, err := p.Store.HaltedSince(v.ctx())
	if err != nil {
		return s, err
	}
	paused, err := p.Store.SyncsPaused(v.ctx())
	if err != nil {
		return s, err
	}
	syncs := p.Syncs()
	for _, name := range slices.Sorted(maps.Keys(syncs)) {
		mode := modeOf(syncs[name].Mode, !halted[name].IsZero(), !paused[name].Since.IsZero())
		s.Syncs = append(s.Syncs, syncLink{Name: name, Mode: mode, Current: a.Nav == "sync:"+name})
	}
	if s.Open, err = p.Store.OpenExceptions(v.ctx()); err != nil {
		return s, err
	}
	if s.Working, err = overview.Working(v.ctx(), p.Store); err != nil {
		return s, err
	}
	return s, p.stream(v, a, &s)
}

// stream names where the changes of a page come from.
func (p *Pages) stream(v *visit, a answer, s *shell) error {
	if len(a.Live) == 0 || v.Method != http.MethodGet { // a form that came back is not at its page's address
		return nil
	}
	seen, err := p.fingerprints(v, a)
	if err != nil {
		return err
	}
	s.Stream = livePath + "?" + url.Values{"page": {v.URL.RequestURI()}, "seen": {digest(strings.Join(slices.Sorted(maps.Values(seen)), " "))}}.Encode()
	return nil
}

// bare is a shell that needs no database.
func (p *Pages) bare(v *visit, a answer) shell {
	s := shell{answer: a, Person: v.Person, Theme: theme(v.Request), Version: p.Version, Zone: zoneName(v), CSS: assetNames["trueup.css"], JS: assetNames["trueup.js"]}
	if p.Store != nil { // a set-up has none yet
		s.Engine = p.Store.Engine()
	}
	s.Said = said(v.w, v.Request)
	return s
}

// zoneCookie is set by the browser: the name of its time zone.
const zoneCookie = "trueup-zone"

// zoneOf is whose time a visitor is told.
func (p *Pages) zoneOf(r *http.Request) *time.Location {
	if c, err := r.Cookie(zoneCookie); err == nil && len(c.Value) < 64 {
		if name, err := url.QueryUnescape(c.Value); err == nil && name != "" && name != "Local" {
			if zone, err := time.LoadLocation(name); err == nil {
				return zone
			}
		}
	}
	return p.Zone
}

// zoneName names the zone of a page's times: Chicago (CST).
func zoneName(v *visit) string {
	short := v.now.In(v.zone).Format("MST")
	name := v.zone.String()
	if name == "Local" || name == short {
		return short
	}
	city := name[strings.LastIndex(name, "/")+1:]
	return strings.ReplaceAll(city, "_", " ") + " (" + short + ")"
}

// digest is a short fingerprint of a text.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// local returns an address of these pages, "/" for any other.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
		return "/"
	}
	return to
}
