package ghltest

import (
	"fmt"
	"net/http"
	"strings"
)

const (
	// AppID is the Marketplace app.
	AppID = "66aa00000000000000000001"
	// ClientID and ClientSecret are the app's.
	ClientID     = AppID + "-abcdefgh"
	ClientSecret = "c11e0000-5ec4-4e70-8000-000000000001"
	// Code is good for one exchange.
	Code = "c0de0000aaaabbbbccccdddd"
	// Redirect is the app's redirect URL beside any of this machine.
	Redirect = "https://sync.example.com/oauth/crm/back"
)

// oauth is who has which token.
type oauth struct {
	codeUsed bool
	refresh  string // the one that works
	user     string // Location or Company
	issued   int
	revoked  bool
}

// Revoke takes the consent away: no token works and none is renewed.
func (a *Account) Revoke() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.oauth.revoked = true
	a.expire()
}

// Expire ends every access token; the refresh token works yet.
func (a *Account) Expire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.expire()
}

func (a *Account) expire() {
	for token := range a.scopes {
		if token != Token {
			delete(a.scopes, token)
			delete(a.company, token)
		}
	}
}

// Issued returns how many tokens were given.
func (a *Account) Issued() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.oauth.issued
}

// token answers POST /oauth/token. A refresh token works once.
func (a *Account) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	f := r.PostForm
	a.mu.Lock()
	defer a.mu.Unlock()
	ok := f.Get("client_id") == ClientID && f.Get("client_secret") == ClientSecret && !a.oauth.revoked
	switch f.Get("grant_type") {
	case "authorization_code":
		ok = ok && f.Get("code") == Code && !a.oauth.codeUsed && (f.Get("redirect_uri") == Redirect || strings.HasPrefix(f.Get("redirect_uri"), "http://127.0.0.1:"))
		a.oauth.codeUsed, a.oauth.user = true, f.Get("user_type")
	case "refresh_token":
		ok = ok && f.Get("refresh_token") == a.oauth.refresh && f.Get("user_type") == a.oauth.user
	default:
		ok = false
	}
	if !ok {
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "Invalid grant: refresh token is invalid"})
		return
	}
	a.oauth.issued++
	a.oauth.refresh = fmt.Sprintf("refresh-%d-%s", a.oauth.issued, strings.Repeat("r", 20))
	access := fmt.Sprintf("access-%d-%s", a.oauth.issued, strings.Repeat("a", 20))
	answer := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 86399, "refresh_token": a.oauth.refresh,
		"scope": strings.Join(AllScopes, " "), "userType": a.oauth.user, "companyId": CompanyID, "userId": "Us3rAbCdEfGhIjKlMnOp"}
	a.scopes[access] = AllScopes
	if a.oauth.user == "Company" {
		a.scopes[access], a.company[access] = []string{"oauth.readonly", "oauth.write"}, true
	} else {
		answer["locationId"] = LocationID
	}
	reply(w, http.StatusOK, answer)
}

// locationToken makes a location's token of the agency's.
func (a *Account) locationToken(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("companyId") != CompanyID || r.PostForm.Get("locationId") != LocationID {
		refuse(w, http.StatusBadRequest, "Location not found")
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.oauth.issued++
	access := fmt.Sprintf("location-%d-%s", a.oauth.issued, strings.Repeat("l", 20))
	a.scopes[access] = AllScopes
	reply(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 86399, "locationId": LocationID, "userId": "u"})
}
