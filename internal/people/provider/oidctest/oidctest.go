// Package oidctest is a small identity provider for tests, which is as strict as the
// real ones: it refuses a client, a redirect, a code or a verifier that is not right.
//
// Main type: Server. It is for tests only, and imports nothing of ours.
package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The client that the provider knows.
const (
	ClientID     = "trueup"
	ClientSecret = "a secret of the client: hunter2"
)

// Server is a provider at which one person is signed in.
type Server struct {
	*httptest.Server
	key *ecdsa.PrivateKey

	mu       sync.Mutex
	redirect string
	claims   map[string]any
	apart    map[string]any
	spoil    func(claims map[string]any)
	handler  map[string]http.HandlerFunc
	ask      bool
	post     bool
	codes    map[string]code
	served   int
}

// code is what one authorization code stands for.
type code struct {
	challenge, nonce, redirect string
	used                       bool
}

// New starts a provider. It sends nobody back until Redirect has said where to.
func New(t testing.TB) *Server {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{key: key, codes: map[string]code{}, handler: map[string]http.HandlerFunc{}}
	mux := http.NewServeMux()
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /.well-known/openid-configuration": s.discovery, "GET /keys": s.keys, "GET /authorize": s.authorize, "POST /token": s.token, "GET /userinfo": s.userInfo,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			instead := s.handler[r.URL.Path]
			s.served++
			s.mu.Unlock()
			if instead != nil {
				instead(w, r)
				return
			}
			h(w, r)
		})
	}
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// Redirect sets where people are sent back to; anything else is refused.
func (s *Server) Redirect(to string) { s.locked(func() { s.redirect = to }) }

// Person sets who is signed in, by the claims.
func (s *Server) Person(claims map[string]any) {
	s.locked(func() { s.claims, s.apart, s.spoil = claims, nil, nil })
}

// Apart sets claims that only the user info endpoint has.
func (s *Server) Apart(claims map[string]any) { s.locked(func() { s.apart = claims }) }

// Spoil changes the claims of an ID token before it is signed.
func (s *Server) Spoil(change func(claims map[string]any)) { s.locked(func() { s.spoil = change }) }

// Instead answers a path otherwise; nil takes that back.
func (s *Server) Instead(path string, h http.HandlerFunc) { s.locked(func() { s.handler[path] = h }) }

// Ask shows a page with a button before it sends somebody back.
func (s *Server) Ask() { s.locked(func() { s.ask = true }) }

// Post wants the client's secret in the form instead of the header.
func (s *Server) Post() { s.locked(func() { s.post = true }) }

// Served counts the requests.
func (s *Server) Served() (n int) {
	s.locked(func() { n = s.served })
	return n
}

func (s *Server) locked(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	ways := []string{"client_secret_basic"}
	s.locked(func() {
		if s.post {
			ways = []string{"client_secret_post"}
		}
	})
	answer(w, http.StatusOK, map[string]any{"token_endpoint_auth_methods_supported": ways, "issuer": s.URL, "authorization_endpoint": s.URL + "/authorize", "token_endpoint": s.URL + "/token", "jwks_uri": s.URL + "/keys",
		"userinfo_endpoint": s.URL + "/userinfo", "id_token_signing_alg_values_supported": []string{"ES256"}, "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}})
}

func (s *Server) keys(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: s.key.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"}}})
}

// authorize sends back with a code whoever asks rightly. It never redirects to an address that it does
// not know.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	if wrong := s.wrong(q); wrong != "" {
		http.Error(w, wrong, http.StatusBadRequest)
		return
	}
	var random [16]byte
	rand.Read(random[:])
	id := base64.RawURLEncoding.EncodeToString(random[:])
	s.codes[id] = code{challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), redirect: q.Get("redirect_uri")}
	to := q.Get("redirect_uri") + "?" + url.Values{"code": {id}, "state": {q.Get("state")}, "iss": {s.URL}}.Encode()
	if s.ask {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Provider</title><link rel="icon" href="data:,"><h1>Provider</h1><a id="yes" href="%s">Sign in</a>`, html.EscapeString(to))
		return
	}
	http.Redirect(w, r, to, http.StatusFound)
}

// wrong says what is wrong with a request, "" for nothing.
func (s *Server) wrong(q url.Values) string {
	switch {
	case q.Get("client_id") != ClientID:
		return "there is no such client"
	case q.Get("redirect_uri") != s.redirect:
		return "the redirect is not registered"
	case q.Get("response_type") != "code":
		return "only codes are given"
	case !strings.Contains(" "+q.Get("scope")+" ", " openid "):
		return "the scope has no openid"
	case q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43:
		return "there is no PKCE"
	case q.Get("state") == "" || q.Get("nonce") == "":
		return "there is no state or no nonce"
	}
	return ""
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, secret := r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	if !s.post {
		id, secret, _ = r.BasicAuth()
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	}
	if id != ClientID || secret != ClientSecret {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	name := r.PostFormValue("code")
	c, known := s.codes[name]
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !known || c.used || r.PostFormValue("grant_type") != "authorization_code" || c.redirect != r.PostFormValue("redirect_uri") || base64.RawURLEncoding.EncodeToString(sum[:]) != c.challenge {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "hunter2"})
		return
	}
	c.used = true
	s.codes[name] = c
	now := time.Now()
	claims := map[string]any{"iss": s.URL, "aud": ClientID, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "nonce": c.nonce}
	for k, v := range s.claims {
		claims[k] = v
	}
	if s.spoil != nil {
		s.spoil(claims)
	}
	signed, err := s.sign(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": "access " + name, "token_type": "Bearer", "expires_in": 3600, "id_token": signed})
}

func (s *Server) sign(claims map[string]any) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: s.key, KeyID: "one"}}, nil)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(text)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

func (s *Server) userInfo(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer access "); !ok || !s.codes[name].used {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	claims := map[string]any{"sub": s.claims["sub"]}
	for k, v := range s.apart {
		claims[k] = v
	}
	answer(w, http.StatusOK, claims)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
