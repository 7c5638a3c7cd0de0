// Package api is how other programs use Trueup: /api/v1, JSON described by an
// OpenAPI 3.1 document that is made from the code.
//
// Main functions: New, the handler; Document, its description; NewToken and
// Hash, to make tokens. Each subject has a file with its routes.
//
// Invariants:
//   - The rows are those of internal/contract, the same as the commands print.
//   - Without a token a caller gets the document and nothing else. A route states
//     which role it needs, in the document and to the check alike.
//   - A list continues after the last row it gave, so that a page neither leaves
//     out nor repeats a row that was there at the beginning.
//   - What is done about an exception goes through internal/exceptions, with the
//     name of the token in its history.
//   - Payloads of events hold personal data: one is shown to an admin, and only
//     where one event is asked for.
//
// It may import internal/contract, exceptions, mapchange, replay, overview, people, reason,
// store, status, config and strictjson, and neither the pipeline nor a connector.
package api

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/mapchange"
	"github.com/trueup-sync/trueup/internal/replay"
	"github.com/trueup-sync/trueup/internal/store"
)

// Prefix is where the API is.
const Prefix = "/api/v1"

// maxBody is the largest body of a request in bytes.
const maxBody = 64 << 10

// Service is the running service behind the API; it is *app.App.
type Service interface {
	// Syncs returns those of the configuration in use.
	Syncs() map[string]config.Sync
	// Owners are the people whom that names, by address.
	Owners() map[string]config.Person
	// Status returns the status of every sync, connection and process.
	Status(ctx context.Context) (contract.Status, error)
	// Promises returns what the two connections of a sync can tell.
	Promises(sync string) contract.Promises
	// PreviewMode returns what changing a sync's mode would change in the file.
	PreviewMode(r mapchange.ModeRequest) (contract.ModeChange, error)
	// SaveMode changes the mode in the file, for the reason why.
	SaveMode(ctx context.Context, r mapchange.ModeRequest, by mapchange.Seen, why string) (contract.ModeSaved, error)
	// Replay processes an event again, or with dry reports what that would do.
	Replay(ctx context.Context, seq int64, dry bool, q replay.Request) ([]replay.Step, error)
	// AskPlan notes that a person wants a plan made or applied, and begins.
	AskPlan(ctx context.Context, ask store.PlanAsk) (store.PlanJob, error)
	// Undo puts back what a customer's record held before Trueup's last write.
	Undo(ctx context.Context, sync, customer, who string) (contract.Undone, error)
	// MayLink is an exceptions.MayLink.
	MayLink(ctx context.Context, sync, customer, targetID string, force bool) error
	// Compare reads an exception's customer and the records that may be it.
	Compare(ctx context.Context, x store.Exception) (contract.Comparison, error)
	// PreviewMeaning and SaveMeaning are those of mapchange.File, on the file in use.
	PreviewMeaning(ctx context.Context, r mapchange.Request) (contract.MapChange, error)
	SaveMeaning(ctx context.Context, r mapchange.Request, by mapchange.Seen) (contract.MapSaved, error)
}

// Options is what the API serves.
type Options struct {
	Store *store.DB
	Service
	Log *slog.Logger
}

// server answers the routes.
type server struct {
	Options
	actions exceptions.Actions
	mux     *http.ServeMux
	api     huma.API
}

// New returns the handler of everything below Prefix. It is made for the first request:
// the schemas take as much memory as all else that a service at rest holds, and many a
// service is never asked.
func New(o Options) http.Handler {
	made := sync.OnceValue(func() http.Handler { return newServer(o).handler() })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { made().ServeHTTP(w, r) })
}

// Document returns the OpenAPI document.
func Document() ([]byte, error) { return newServer(Options{}).document() }

func (s *server) handler() http.Handler {
	document := sync.OnceValues(s.document)
	s.mux.HandleFunc("GET "+Prefix+"/openapi.json", func(w http.ResponseWriter, r *http.Request) {
		text, err := document()
		if err != nil {
			s.Log.LogAttrs(r.Context(), slog.LevelError, "could not describe the API", slog.Any("error", err))
			write(w, problem(http.StatusInternalServerError, "the API could not be described", "look at the log of the service"))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(text)
	})
	// There is no cookie a browser could be tricked into sending. What a page
	// of another site sends is refused all the same.
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		write(w, problem(http.StatusForbidden, "the request comes from a page on another site", "call the API from a program, not from a web page"))
	}))
	return guard.Handler(s)
}

func newServer(o Options) *server {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	s := &server{Options: o, mux: http.NewServeMux()}
	if o.Service != nil { // else only the document is wanted
		s.actions = exceptions.Actions{Store: o.Store, Watching: func(sync string) bool { return o.Syncs()[sync].Watches() }, MayLink: o.MayLink}
	}
	s.api = humago.NewWithPrefix(s.mux, Prefix, describe())
	s.api.UseMiddleware(s.authenticate)
	s.syncRoutes()
	s.customerRoutes()
	s.pinRoutes()
	s.eventRoutes()
	s.linkRoutes()
	s.planRoutes()
	s.exceptionRoutes()
	s.actionRoutes()
	s.mapRoutes()
	s.tokenRoutes()
	s.activityRoutes()
	finish(s.api.OpenAPI())
	return s
}

// ServeHTTP lets the mux answer, and says as a problem what it refuses.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := s.mux.Handler(r); pattern != "" {
		s.mux.ServeHTTP(w, r)
		return
	}
	refusal := &refusal{header: w.Header()}
	s.mux.ServeHTTP(refusal, r)
	hint := "the routes are listed in " + Prefix + "/openapi.json"
	if refusal.status == http.StatusMethodNotAllowed {
		hint = "this route takes " + w.Header().Get("Allow")
	}
	write(w, problem(refusal.status, "no such route: "+r.Method+" "+r.URL.Path, hint))
}

// refusal keeps the status of an answer and throws its text away.
type refusal struct {
	header http.Header
	status int
}

func (r *refusal) Header() http.Header            { return r.header }
func (r *refusal) Write(text []byte) (int, error) { return len(text), nil }
func (r *refusal) WriteHeader(status int)         { r.status = status }
