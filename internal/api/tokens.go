package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

func (s *server) tokenRoutes() {
	route(s, store.Admin, get("list-tokens", "/tokens", "List API tokens", "By name, including revoked ones, on one page."), s.listTokens)
	route(s, store.Admin, huma.Operation{OperationID: "create-token", Method: http.MethodPost, Path: "/tokens", DefaultStatus: http.StatusCreated,
		Summary: "Create an API token", Description: "The token's text is in this answer only, because only its hash is stored. A name can be used only once."}, s.createToken)
	silent(s, store.Admin, huma.Operation{OperationID: "revoke-token", Method: http.MethodDelete, Path: "/tokens/{name}", Summary: "Revoke an API token",
		Description: "It stops working at once and stays in the list."}, s.revokeToken)
}

func (s *server) listTokens(ctx context.Context, _ *struct{}) (List[contract.Token], error) {
	l := List[contract.Token]{Items: []contract.Token{}}
	found, err := s.Store.APITokens(ctx)
	for _, a := range found {
		l.Items = append(l.Items, contract.TokenOf(a))
	}
	return l, err
}

// TokenRequest is a token to make.
type TokenRequest struct {
	Name string     `json:"name" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" doc:"What histories call its holder."`
	Role store.Role `json:"role" doc:"viewer can read; operator can also act; admin can also read payloads and manage tokens."`
}

func (s *server) createToken(ctx context.Context, in *struct{ Body TokenRequest }) (contract.NewToken, error) {
	text := NewToken()
	a, err := s.Store.AddAPIToken(ctx, store.APIToken{Name: in.Body.Name, Role: in.Body.Role, CreatedBy: who(ctx, "")}, Hash(text))
	if err != nil {
		return contract.NewToken{}, err
	}
	return contract.NewToken{Token: contract.TokenOf(a), Text: text}, nil
}

func (s *server) revokeToken(ctx context.Context, in *struct {
	Name string `path:"name"`
}) error {
	return s.Store.RevokeAPIToken(ctx, in.Name)
}
