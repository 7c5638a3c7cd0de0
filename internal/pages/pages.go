package pages

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/mapchange"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/people/provider"
	"github.com/trueup-sync/trueup/internal/store"
)

// Service is the running service behind the pages; it is *app.App.
type Service interface {
	// Syncs returns those of the configuration in use.
	Syncs() map[string]config.Sync
	// Owners are the people whom that names, by address.
	Owners() map[string]config.Person
	// Status returns the status of every sync, connection and process.
	Status(ctx context.Context) (contract.Status, error)
	// AskPlan notes that a person wants a plan made or applied, and begins.
	AskPlan(ctx context.Context, ask store.PlanAsk) (store.PlanJob, error)
	// PlanRefusal is why a plan cannot be applied as it is asked for, an
	// *exceptions.RefusedError, nil when it can.
	PlanRefusal(ctx context.Context, plan store.Sweep, ask store.PlanAsk) error
	// Line is the line of a path in the file in use, as in config.Config.
	Line(path string) int
	// File is the file in use.
	File(sync string) FileInUse
	// Promises, PreviewMode and SaveMode are as in api.Service.
	Promises(sync string) contract.Promises
	PreviewMode(r mapchange.ModeRequest) (contract.ModeChange, error)
	SaveMode(ctx context.Context, r mapchange.ModeRequest, by mapchange.Seen, why string) (contract.ModeSaved, error)
	// Undo puts back what a record held before Trueup's last write.
	Undo(ctx context.Context, sync, customer, who string) (contract.Undone, error)
	// MayLink is an exceptions.MayLink.
	MayLink(ctx context.Context, sync, customer, targetID string, force bool) error
	// Compare reads an exception's customer and the records that may be it.
	Compare(ctx context.Context, x store.Exception) (contract.Comparison, error)
	// PreviewMeaning and SaveMeaning are those of mapchange.File, on the file in use.
	PreviewMeaning(ctx context.Context, r mapchange.Request) (contract.MapChange, error)
	SaveMeaning(ctx context.Context, r mapchange.Request, by mapchange.Seen) (contract.MapSaved, error)
}

// Options is what the pages are made of.
type Options struct {
	Store *store.DB
	Service
	// Visitor returns who sent a request, or ErrNobody.
	Visitor func(*http.Request) (Person, error)
	// Door lets people in, and Address is where they reach these pages.
	Door    *people.Door
	Address func() string
	// Provider is the identity provider that people sign in with too, and its rules;
	// nil, or a nil provider, is none.
	Provider func() (config.OIDC, *provider.Provider)
	Version  string
	Log      *slog.Logger
	// Zone is whose time the pages tell until a browser has named its own; nil is
	// this machine's.
	Zone *time.Location
	// Now is the clock, and Pulse how often a live page is looked through for
	// changes; their zero values are the usual ones.
	Now   func() time.Time
	Pulse time.Duration
}

// pulse is how often a live page is looked through for changes.
const pulse = 3 * time.Second

// Pages answers everything a browser asks for.
type Pages struct {
	Options
	mux   *http.ServeMux
	table []route // what mux answers
	looks looks
	sent  sent
	// erasings are the customers who are being forgotten, and patience is how long a
	// form waits for that.
	erasings erasings
	patience time.Duration
	ending   chan struct{}
	close    sync.Once
}

// New returns the handler.
func New(o Options) *Pages { return answeringBy(routes(), o) }

// answeringBy returns pages that answer by a table.
func answeringBy(table []route, o Options) *Pages {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Zone = cmp.Or(o.Zone, time.Local)
	o.Pulse = cmp.Or(o.Pulse, pulse)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Address == nil {
		o.Address = func() string { return "" }
	}
	p := &Pages{Options: o, mux: http.NewServeMux(), table: table, ending: make(chan struct{}), patience: forgetPatience}
	p.looks.now, p.sent.now = o.Now, o.Now
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(p.answering(func(*visit) (answer, error) {
		return answer{}, &Refusal{Status: http.StatusForbidden, Title: "This form came from another site",
			Text: "Nothing was changed. Open Trueup and use the form there."}
	}))
	for _, r := range table {
		p.mux.Handle(r.Method+" "+r.Path, guard.Handler(p.route(r)))
	}
	p.mux.HandleFunc("GET /assets/{name}", asset)
	p.mux.Handle("/", p.route(route{http.MethodGet, "/", open, func(*visit) (answer, error) { // beside the menu, for who is signed in
		return answer{}, &Refusal{Status: http.StatusNotFound, Title: "There is no page at this address",
			Text: "It may have been removed, or the address may be cut off.", Ways: []Way{{"Go to Home", "/"}}}
	}}))
	return p
}

// ServeHTTP answers a browser. A page may load its own files and nothing else.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "+
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if strings.HasPrefix(p.Address(), "https://") {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	p.mux.ServeHTTP(w, r)
}

// Close ends the streams of live pages, so that a server can shut down, and cuts off
// what goes on behind pages.
func (p *Pages) Close() {
	p.close.Do(func() { close(p.ending) })
	p.erasings.close()
}
