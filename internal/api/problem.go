package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/mapchange"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

// Problem is what every request gets that is not answered as it asked: RFC 9457
// with what to do about it.
type Problem struct {
	Type   string  `json:"type" doc:"Always about:blank: title describes the status."`
	Title  string  `json:"title" doc:"The status in words."`
	Status int     `json:"status" doc:"The HTTP status of the response."`
	Detail string  `json:"detail" doc:"What happened."`
	Hint   string  `json:"hint,omitempty" doc:"What to do about it."`
	Errors []Fault `json:"errors,omitempty" doc:"What is wrong with the request, and where."`
	// First and Changes say what happened meanwhile.
	First   *contract.Action         `json:"first,omitempty" doc:"What another person did first, where that is why nothing was done."`
	Changes []contract.SettingChange `json:"changes,omitempty" doc:"What is different in the file than was shown, where that is why it was not written."`
}

// Fault is one thing that is wrong with a request.
type Fault struct {
	Location string `json:"location,omitempty" doc:"Where it is, such as body.verb or query.limit."`
	Message  string `json:"message"`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus tells huma the status of the answer.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType tells huma the type of the answer.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func problem(status int, detail, hint string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Hint: hint}
}

// write answers with a problem, outside huma.
func write(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p) // the caller has gone when it fails
}

// asProblem turns what huma says about a request into a Problem. The values
// that huma would send back stay here.
func asProblem(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := problem(m.Status, m.Detail, "")
	if m.Status == http.StatusUnsupportedMediaType {
		p.Hint = "send JSON with Content-Type: application/json"
	}
	for _, e := range m.Errors {
		p.Errors = append(p.Errors, Fault{Location: e.Location, Message: e.Message})
	}
	return p, nil
}

// problemOf says what an error means for who asked. What it does not know goes
// to the log: it may name hosts and users.
func (s *server) problemOf(err error) *Problem {
	var known *Problem
	var refused *exceptions.RefusedError
	var taken *store.DuplicateLinkError
	var open *store.JobOpenError
	var unmappable *mapchange.RefusedError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &refused):
		p := problem(http.StatusConflict, err.Error(), hintOf(refused))
		if refused.First != nil {
			first := contract.ActionOf(*refused.First)
			p.First = &first
		}
		return p
	case errors.As(err, &unmappable) && unmappable.Unknown:
		return unprocessable("body", unmappable.Why, unmappable.Hint)
	case errors.As(err, &unmappable):
		p := problem(http.StatusConflict, unmappable.Why, unmappable.Hint)
		if unmappable.Lines != "" {
			p.Hint += ":\n" + unmappable.Lines
		}
		p.Changes = unmappable.Changes
		return p
	case errors.Is(err, store.ErrKeyReused):
		return problem(http.StatusConflict, store.ErrKeyReused.Error(), "give each request a key of its own")
	case errors.As(err, &open):
		return problem(http.StatusConflict, open.Error(), fmt.Sprintf("wait until it has ended, or stop it: POST %s/jobs/%d/stop", Prefix, open.Job.ID))
	case errors.As(err, &taken):
		return problem(http.StatusConflict, taken.Error(), "remove that link first: "+unlinkRequest(taken.Sync, taken.Customer))
	case errors.Is(err, store.ErrNotFound):
		return problem(http.StatusNotFound, err.Error(), "")
	case errors.Is(err, store.ErrTaken):
		return problem(http.StatusConflict, err.Error(), "choose another name")
	}
	s.Log.Error("api", slog.Any("error", err))
	return problem(http.StatusInternalServerError, "internal error; the log has the cause", "")
}

// hintOf is what to do about a refusal, with the request where there is one.
func hintOf(r *exceptions.RefusedError) string {
	switch m := r.Remedy; m.Verb {
	case reason.LinksRemove:
		return r.Hint + ": " + unlinkRequest(m.Sync, m.Customer)
	case reason.Unpin:
		return r.Hint + ": DELETE " + Prefix + pinPath(m.Sync, m.Customer)
	case reason.Resume:
		return r.Hint + ": POST " + Prefix + "/syncs/" + url.PathEscape(m.Sync) + "/resume"
	case reason.Show:
		return fmt.Sprintf("%s: GET %s/exceptions/%d", r.Hint, Prefix, r.Exception)
	}
	return r.Hint
}

func unlinkRequest(sync, customer string) string {
	return "DELETE " + Prefix + linkPath(sync, customer)
}

// unprocessable is a request whose parts are each right and do not fit.
func unprocessable(location, message, hint string) *Problem {
	p := problem(http.StatusUnprocessableEntity, "validation failed", hint)
	p.Errors = []Fault{{Location: location, Message: message}}
	return p
}
