package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/trueup-sync/trueup/internal/store"
)

// scheme is the name of the bearer token in the document.
const scheme = "token"

// needs says of an operation which role it needs. OpenAPI 3.1 lists roles there
// for a scheme without scopes, so the document and the check are one.
func needs(r store.Role) []map[string][]string { return []map[string][]string{{scheme: {string(r)}}} }

func needed(op *huma.Operation) store.Role { return store.Role(op.Security[0][scheme][0]) }

type holderKey struct{}

// holder is whose token the request brought.
func holder(ctx context.Context) store.APIToken {
	a, _ := ctx.Value(holderKey{}).(store.APIToken)
	return a
}

// who is who does something by a request: the token, and the person it names.
func who(ctx context.Context, as string) string {
	token := "api:" + holder(ctx).Name
	if as == "" {
		return token
	}
	return as + " via " + token
}

// authenticate lets a request through whose token has the role that the
// operation needs, and notes who changed something.
func (s *server) authenticate(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	a, refused := s.admit(r, needed(ctx.Operation()))
	if refused != nil {
		if refused.Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="trueup"`)
		}
		write(w, refused)
		return
	}
	ctx = huma.WithContext(ctx, store.By(context.WithValue(ctx.Context(), holderKey{}, a), "api:"+a.Name, store.ByAPI))
	next(ctx)
	if ctx.Method() != http.MethodGet {
		// The path as it is declared: the one that was called may hold an address.
		s.Log.Info("api", slog.String("token", a.Name), slog.String("role", string(a.Role)), slog.String("method", ctx.Method()),
			slog.String("route", ctx.Operation().Path), slog.Int("status", ctx.Status()))
	}
}

// Protected lets a request through to next that brings a token with a role.
func Protected(o Options, need store.Role, next http.Handler) http.Handler {
	s := &server{Options: o}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, refused := s.admit(r, need); refused != nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="trueup"`)
			write(w, refused)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// admit returns the token of a request, or why it is refused.
func (s *server) admit(r *http.Request, need store.Role) (store.APIToken, *Problem) {
	const ask = "send Authorization: Bearer with a token printed by trueup token create"
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") || token == "" {
		return store.APIToken{}, problem(http.StatusUnauthorized, "the request has no token", ask)
	}
	// Found by its hash: how long that takes tells nothing about the token.
	a, err := s.Store.UseAPIToken(r.Context(), Hash(strings.TrimSpace(token)))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return a, problem(http.StatusUnauthorized, "the token is unknown or revoked", ask)
	case err != nil:
		return a, s.problemOf(err)
	case !a.Role.Covers(need):
		return a, problem(http.StatusForbidden, fmt.Sprintf("this needs the role %s; the token %s has the role %s", need, a.Name, a.Role),
			fmt.Sprintf("use another token, or create one with trueup token create NAME --role %s", need))
	}
	return a, nil
}
