package httpconn

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
)

// longestScope bounds what is kept of a token endpoint's words.
const longestScope = 4096

// grantedScope is what a token was granted: what the answer says, or, where it says
// nothing, what was asked for (RFC 6749, section 5.1).
func grantedScope(said any, form url.Values) string {
	text, _ := said.(string)
	if text == "" || len(text) > longestScope {
		return form.Get("scope")
	}
	return text
}

// scopeWords are the words of a scope. Some tools put commas between them.
func scopeWords(scope string) []string {
	return strings.FieldsFunc(scope, func(r rune) bool { return r == ' ' || r == ',' })
}

// ofConsent are words about the person who consents or about how long that lasts: no
// call needs them, and tools grant them without naming them.
var ofConsent = []string{"openid", "profile", "email", "offline_access"}

// notGranted are the words that were asked for and are not among those granted. One
// that ends with /.default stands for whatever the app has.
func notGranted(asked, granted string) []string {
	have := scopeWords(granted)
	if len(have) == 0 {
		return nil
	}
	return slices.DeleteFunc(scopeWords(asked), func(word string) bool {
		return slices.Contains(have, word) || slices.Contains(ofConsent, word) || strings.HasSuffix(word, "/.default")
	})
}

// scopes reports what the file asks for and the access token was not granted.
func (p probe) scopes(ctx context.Context) error {
	if p.grants == nil {
		return nil
	}
	if _, err := p.grants.token(ctx, ""); err != nil {
		return nil // the list says it
	}
	missing := notGranted(p.grants.Scope, p.grants.grantedNow())
	if len(missing) == 0 {
		return nil
	}
	return &connector.Failure{Kind: connector.Unauthorized, Effect: connector.EffectNone, Detail: "the token endpoint did not grant " + strings.Join(missing, " and ") +
		", which auth.oauth2.scope asks for: allow it for the app in the tool, or remove it from the file, then run trueup connect for a new token and check again"}
}

// grantedNow is what the token that is used was granted.
func (g *grants) grantedNow() string {
	g.turn <- struct{}{}
	defer func() { <-g.turn }()
	return g.kept.Scope
}
