package demo

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// What the two sample APIs have in common: a bearer token, JSON both ways, an
// error as {"error": "…"} and lists in pages.

const (
	defaultPage = 50
	maxPage     = 200
)

// guarded answers 401 to whoever does not bring the token.
func guarded(token string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || subtle.ConstantTimeCompare([]byte(given), []byte(token)) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, http.StatusUnauthorized, "send the API token as Authorization: Bearer …")
			return
		}
		next(w, r)
	}
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, code int, why string) {
	answer(w, code, map[string]string{"error": why})
}

// known reports, and answers 422, when the query has a parameter that the call
// does not know, has one twice, or has an empty one that would match anything.
func known(w http.ResponseWriter, query url.Values, names ...string) bool {
	for name, values := range query {
		switch {
		case !slices.Contains(names, name):
			refuse(w, http.StatusUnprocessableEntity, "this call does not know one of the parameters; it takes "+strings.Join(names, ", "))
			return false
		case len(values) > 1:
			refuse(w, http.StatusUnprocessableEntity, "the parameter "+name+" is there twice")
			return false
		case values[0] == "" && name != "after":
			refuse(w, http.StatusUnprocessableEntity, "the parameter "+name+" is empty")
			return false
		}
	}
	return true
}

// page cuts the part of a list that the query asks for, and returns the id to
// ask for next, "" at the end.
func page[T any](all []T, id func(T) string, query url.Values) (part []T, next string, err error) {
	limit := defaultPage
	if text := query.Get("limit"); text != "" {
		limit, err = strconv.Atoi(text)
		if err != nil || limit < 1 || limit > maxPage {
			return nil, "", fmt.Errorf("limit must be a number from 1 to %d", maxPage)
		}
	}
	if after := query.Get("after"); after != "" {
		at := slices.IndexFunc(all, func(v T) bool { return id(v) == after })
		if at < 0 {
			return nil, "", fmt.Errorf("after names no record of this list")
		}
		all = all[at+1:]
	}
	if len(all) > limit {
		return all[:limit], id(all[limit-1]), nil
	}
	return append([]T{}, all...), "", nil
}
