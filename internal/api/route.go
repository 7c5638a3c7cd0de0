package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

// answer is what huma sends.
type answer[T any] struct{ Body T }

// route adds an operation that answers with a T.
func route[I, T any](s *server, need store.Role, op huma.Operation, do func(context.Context, *I) (T, error)) {
	huma.Register(s.api, completed(op, need), func(ctx context.Context, in *I) (*answer[T], error) {
		body, err := do(ctx, in)
		if err != nil {
			return nil, s.problemOf(err)
		}
		return &answer[T]{body}, nil
	})
}

// silent adds an operation that answers with nothing.
func silent[I any](s *server, need store.Role, op huma.Operation, do func(context.Context, *I) error) {
	huma.Register(s.api, completed(op, need), func(ctx context.Context, in *I) (*struct{}, error) {
		if err := do(ctx, in); err != nil {
			return nil, s.problemOf(err)
		}
		return nil, nil
	})
}

func get(id, path, summary, description string) huma.Operation {
	return huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Description: description}
}

// completed adds to an operation what all have.
func completed(op huma.Operation, need store.Role) huma.Operation {
	op.Security = needs(need)
	op.Tags = []string{strings.FieldsFunc(op.Path, func(r rune) bool { return r == '/' || r == '.' })[0]}
	op.MaxBodyBytes = maxBody
	op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusInternalServerError)
	if strings.Contains(op.Path, "{") {
		op.Errors = append(op.Errors, http.StatusNotFound)
	}
	if op.Method != http.MethodGet {
		op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	return op
}

// SyncFilter narrows a list to one sync.
type SyncFilter struct {
	Sync string `query:"sync" doc:"Only this sync."`
}

// checkSync refuses the name of a sync that the configuration does not have.
func (s *server) checkSync(location, name string) error {
	syncs := s.Syncs()
	if _, ok := syncs[name]; ok || name == "" {
		return nil
	}
	return unprocessable(location, noSync, syncNames(syncs))
}

// addressedSync returns the sync whose name stands in the address.
func (s *server) addressedSync(name string) (config.Sync, error) {
	syncs := s.Syncs()
	c, ok := syncs[name]
	if !ok {
		return c, problem(http.StatusNotFound, noSync, syncNames(syncs))
	}
	return c, nil
}

const noSync = "no sync with this name"

func syncNames(syncs map[string]config.Sync) string {
	return "available syncs: " + strings.Join(slices.Sorted(maps.Keys(syncs)), ", ")
}
