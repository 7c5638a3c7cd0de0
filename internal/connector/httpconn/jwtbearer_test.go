package httpconn

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/assertiontest"
)

// asserted is the documented way to sign in with a key.
func asserted(t *testing.T, change func(o *OAuth2)) OAuth2 {
	t.Helper()
	o := OAuth2{ClientID: "app", Grant: grantJWT, Subject: "canary-integration@example.com", Audience: "https://login.example.com",
		PrivateKey: config.Secret(assertiontest.PEM(t, assertiontest.Key()))}
	if change != nil {
		change(&o)
	}
	return o
}

// approving makes the token endpoint one that checks assertions as if they were for o,
// by a clock of its own.
func approving(g *guarded, o OAuth2, clock *time.Time) *assertiontest.Endpoint {
	e := &assertiontest.Endpoint{Issuer: o.ClientID, Subject: o.Subject, Audience: o.Audience, Key: &assertiontest.Key().PublicKey, Now: func() time.Time { return *clock }}
	g.endpt = func(w http.ResponseWriter, _ *http.Request) {
		form := g.forms[len(g.forms)-1]
		if no := e.Refuses(form); no != "" {
			reply(w, 400, map[string]any{"error": "invalid_grant", "error_description": "canary " + no})
			return
		}
		g.n++
		g.access = fmt.Sprintf("canary-access-%d", g.n)
		out := map[string]any{"access_token": g.access, "token_type": "Bearer", "instance_url": "https://elsewhere.example.com"}
		if g.life != nil {
			out["expires_in"] = g.life
		}
		reply(w, 200, out)
	}
	return e
}

// claimsOf reads what the last assertion says.
func claimsOf(t *testing.T, g *guarded) (header, said map[string]any) {
	t.Helper()
	parts := strings.Split(g.forms[len(g.forms)-1].Get("assertion"), ".")
	for i, into := range []*map[string]any{&header, &said} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(text, into) != nil {
			t.Fatalf("part %d is no JSON: %v", i, err)
		}
	}
	return header, said
}

func TestASignedAssertionGetsATokenForAllNodes(t *testing.T) {
	for name, kept := range map[string]connector.Tokens{"kept for all nodes": &keptToken{}, "without a database": nil} {
		t.Run(name, func(t *testing.T) {
			g, clock := &guarded{t: t, life: 3600}, now
			o := asserted(t, nil)
			approving(g, o, &clock)
			nodes := []connector.Connection{openGuarded(t, g, o, kept, &clock)}
			if kept != nil { // the address of the endpoint is a part of what a token belongs to
				o.TokenURL = nodes[0].Target.(target).api.grants.TokenURL
				nodes = append(nodes, openGuarded(t, g, o, kept, &clock))
			}
			look := func(what string, want int) {
				t.Helper()
				var all sync.WaitGroup
				for i := range 6 {
					all.Go(func() {
						if _, err := nodes[i%len(nodes)].Target.Read(t.Context(), "c1"); err != nil {
							t.Errorf("%s: %v", what, err)
						}
					})
				}
				all.Wait()
				if got := g.issued(); got != want {
					t.Errorf("%s: %d tokens were asked for, want %d", what, got, want)
				}
			}
			look("the first", 1)
			clock = clock.Add(59*time.Minute + 45*time.Second)
			look("near its end", 2)
			clock = clock.Add(time.Minute)
			g.set("canary-access-revoked")
			look("refused", 3)
			form := g.forms[0]
			if form.Has("client_id") || form.Has("client_secret") || form.Has("audience") || form.Has("refresh_token") {
				t.Errorf("sent %v", form)
			}
		})
	}
}

func TestAnAssertionSaysWhatTheFileSays(t *testing.T) {
	clock := now
	for _, c := range []struct {
		name   string
		change func(o *OAuth2)
		want   func(o OAuth2) map[string]any // beside what all have
		sent   string                        // client_id in the form
	}{
		{"Salesforce's", nil, func(o OAuth2) map[string]any { return map[string]any{"aud": "https://login.example.com"} }, ""},
		{"one with a scope and a key's name", func(o *OAuth2) { o.Audience, o.Scope, o.KeyID = "", "a b", "key-1" },
			func(o OAuth2) map[string]any { return map[string]any{"aud": o.TokenURL, "scope": "a b"} }, ""},
		{"one of an app with a secret too", func(o *OAuth2) { o.ClientSecret = "canary-secret" },
			func(o OAuth2) map[string]any { return map[string]any{"aud": "https://login.example.com"} }, "app"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &guarded{t: t}
			o := asserted(t, c.change)
			conn := openGuarded(t, g, o, nil, &clock)
			if _, err := conn.Target.Read(t.Context(), "c1"); err != nil {
				t.Fatal(err)
			}
			header, said := claimsOf(t, g)
			want := c.want(*conn.Target.(target).api.grants.OAuth2)
			want["iss"], want["sub"], want["iat"], want["exp"], want["jti"] = "app", o.Subject, float64(testNow), float64(testNow+120), said["jti"]
			if fmt.Sprint(said) != fmt.Sprint(want) || len(fmt.Sprint(said["jti"])) < 20 {
				t.Errorf("it says %v, want %v", said, want)
			}
			if kid, _ := header["kid"].(string); header["alg"] != "RS256" || header["typ"] != "JWT" || kid != o.KeyID {
				t.Errorf("its header is %v", header)
			}
			if form := g.forms[0]; form.Get("client_id") != c.sent || form.Get("scope") != o.Scope || (c.sent != "") != form.Has("client_secret") {
				t.Errorf("sent %v", form)
			}
		})
	}
}

func TestAnAssertionThatTheToolDoesNotTakeIsASentence(t *testing.T) {
	for name, c := range map[string]struct {
		change func(o *OAuth2)
		ahead  time.Duration // our clock before the tool's
	}{
		"of another app":         {func(o *OAuth2) { o.ClientID = "canary-other" }, 0},
		"for another user":       {func(o *OAuth2) { o.Subject = "canary-other@example.com" }, 0},
		"for another endpoint":   {func(o *OAuth2) { o.Audience = "" }, 0},
		"by a clock behind":      {nil, -5 * time.Minute},
		"by a clock ahead":       {nil, 5 * time.Minute},
		"signed with a key that": {func(o *OAuth2) { o.PrivateKey = config.Secret(assertiontest.PEM(t, assertiontest.NewKey(2048))) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			g, clock, theirs := &guarded{t: t}, now.Add(c.ahead), now
			approving(g, asserted(t, nil), &theirs)
			conn := openGuarded(t, g, asserted(t, c.change), &keptToken{}, &clock)
			_, err := conn.Target.Read(t.Context(), "c1")
			f := wantKind(t, err, connector.Unauthorized, connector.EffectNone)
			for _, word := range []string{"invalid_grant", "subject", "audience", "certificate", "clock"} {
				if !strings.Contains(f.Detail, word) {
					t.Errorf("%q does not say %s", f.Detail, word)
				}
			}
			if g.calls > 0 {
				t.Error("the tool is called without a token")
			}
		})
	}
	t.Run("used twice", func(t *testing.T) {
		g, clock := &guarded{t: t}, now
		e := approving(g, asserted(t, nil), &clock)
		conn := openGuarded(t, g, asserted(t, nil), nil, &clock)
		for range 2 { // each call brings one of its own, also within one second
			if _, err := conn.Target.Read(t.Context(), "c1"); err != nil {
				t.Fatal(err)
			}
			conn = openGuarded(t, g, asserted(t, nil), nil, &clock)
		}
		if no := e.Refuses(g.forms[0]); no != "replayed_assertion" {
			t.Errorf("the endpoint takes one twice: %q", no)
		}
	})
	for _, c := range []struct {
		name string
		with http.HandlerFunc
		says string
	}{
		{"a web page", saying(200, "<html>anna.canary", "Content-Type", "text/html"), "such as a web page"},
		{"a redirect", saying(307, "", "Location", "http://127.0.0.1:1/canary"), "redirect"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, clock := &guarded{t: t, endpt: c.with}, now
			conn := openGuarded(t, g, asserted(t, nil), &keptToken{}, &clock)
			_, err := conn.Target.Read(t.Context(), "c1")
			if f := wantKind(t, err, connector.Misconfigured, connector.EffectNone); !strings.Contains(f.Detail, c.says) || g.calls > 0 {
				t.Errorf("%q", f.Detail)
			}
		})
	}
}

// keyFiles are files that are no key to sign with, by the words of the fault.
func keyFiles(t *testing.T) map[string]string {
	t.Helper()
	must := func(key any, err error) any {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	ec := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).(*ecdsa.PrivateKey)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, bytes []byte, headers map[string]string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes, Headers: headers}))
	}
	rsaDER := x509.MarshalPKCS1PrivateKey(assertiontest.Key())
	good := assertiontest.PEM(t, assertiontest.Key())
	return map[string]string{
		"an elliptic curve":      assertiontest.PEM(t, ec) + "|is not an RSA key",
		"an old elliptic curve":  block("EC PRIVATE KEY", sec1, nil) + "|is not an RSA key",
		"Ed25519":                assertiontest.PEM(t, edwards) + "|is not an RSA key",
		"of OpenSSH":             block("OPENSSH PRIVATE KEY", []byte("canary"), nil) + "|is not an RSA key",
		"too short":              assertiontest.PEM(t, assertiontest.NewKey(1024)) + "|is shorter than 2048 bits",
		"encrypted":              block("ENCRYPTED PRIVATE KEY", []byte("canary"), nil) + "|is encrypted",
		"encrypted the old way":  block("RSA PRIVATE KEY", rsaDER, map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}) + "|is encrypted",
		"a certificate":          block("CERTIFICATE", []byte("canary"), nil) + "|is something else than a private key",
		"a public key":           block("PUBLIC KEY", x509.MarshalPKCS1PublicKey(&assertiontest.Key().PublicKey), nil) + "|is something else than a private key",
		"damaged":                block("RSA PRIVATE KEY", rsaDER[:len(rsaDER)-9], nil) + "|is damaged",
		"cut off":                good[:len(good)/2] + "|is not a private key in PEM form",
		"no PEM":                 "canary-key|is not a private key in PEM form",
		"two of them":            good + good + "|has more than the private key",
		"with lines joined by n": strings.ReplaceAll(good, "\n", `\n`) + "|is not a private key in PEM form",
	}
}

// notQuoted fails where a text shows ten letters of a key.
func notQuoted(t *testing.T, shown, key string) {
	t.Helper()
	for line := range strings.Lines(key) {
		line = strings.TrimSpace(line)
		for i := 0; !strings.HasPrefix(line, "-----") && i+10 <= len(line); i++ {
			if strings.Contains(shown, line[i:i+10]) {
				t.Fatalf("a part of the key is shown: %s", shown)
			}
		}
	}
}

func TestAKeyThatCannotSignIsAFault(t *testing.T) {
	for name, file := range keyFiles(t) {
		t.Run(name, func(t *testing.T) {
			key, want, _ := strings.Cut(file, "|")
			o := asserted(t, func(o *OAuth2) { o.PrivateKey, o.TokenURL = config.Secret(key), "https://login.example.com/token" })
			found := faultsOf(t, withOAuth(o), "https://crm.example.com")
			if len(found) != 1 || found[0].path != "auth.oauth2.private_key" || !strings.Contains(found[0].problem, want) || found[0].remedy == "" {
				t.Fatalf("%+v", found)
			}
			notQuoted(t, found[0].problem+found[0].remedy, key)
			_, err := Open("crm", config.Connection{BaseURL: "https://crm.example.com"}, withOAuth(o), connector.Deps{})
			if err == nil {
				t.Fatal("it is opened")
			}
			notQuoted(t, err.Error(), key)
			if _, err := NewConsent(config.Connection{BaseURL: "https://crm.example.com"}, withOAuth(o), connector.Deps{}); err == nil {
				t.Error("it is connected")
			} else {
				notQuoted(t, err.Error(), key)
			}
		})
	}
	old := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(assertiontest.Key())}))
	for name, key := range map[string]string{"as OpenSSL wrote it": old, "with a line break less": strings.TrimSpace(old), "with other line breaks": strings.ReplaceAll(old, "\n", "\r\n")} {
		o := asserted(t, func(o *OAuth2) { o.PrivateKey, o.TokenURL = config.Secret(key), "https://login.example.com/token" })
		if found := faultsOf(t, withOAuth(o), "https://crm.example.com"); len(found) != 0 {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

func TestWhatDoesNotBelongToAnAssertionIsAFault(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(o *OAuth2)
		want   string
	}{
		{"as documented", nil, ""},
		{"nobody to act for", func(o *OAuth2) { o.Subject = "" }, "subject"},
		{"no key", func(o *OAuth2) { o.PrivateKey = "" }, "private_key"},
		{"a refresh token", func(o *OAuth2) { o.RefreshToken = "canary" }, "refresh_token"},
		{"a page of consent", func(o *OAuth2) { o.AuthorizeURL = "https://login.example.com/" }, "authorize_url"},
		{"its keys with another grant", func(o *OAuth2) { o.Grant, o.ClientSecret, o.KeyID = grantClient, "canary", "k" }, "key_id private_key subject"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := asserted(t, c.change)
			o.TokenURL = "https://login.example.com/token"
			var paths []string
			for _, f := range faultsOf(t, withOAuth(o), "https://crm.example.com") {
				paths = append(paths, strings.TrimPrefix(f.path, "auth.oauth2."))
				if strings.Contains(f.problem+f.remedy, "canary") || f.remedy == "" {
					t.Errorf("%+v", f)
				}
			}
			if got := strings.Join(paths, " "); got != c.want {
				t.Errorf("faults at %q, want %q", got, c.want)
			}
		})
	}
}

// A new key, subject or audience in the file ends the use of the old token.
func TestATokenIsOfNoUseForAnotherAssertion(t *testing.T) {
	one := asserted(t, nil)
	other := config.Secret(assertiontest.PEM(t, assertiontest.NewKey(2048)))
	for name, change := range map[string]func(o *OAuth2){
		"a key": func(o *OAuth2) { o.PrivateKey = other }, "a subject": func(o *OAuth2) { o.Subject = "b" }, "an audience": func(o *OAuth2) { o.Audience = "b" },
	} {
		if changed := asserted(t, change); changed.origin() == one.origin() {
			t.Errorf("%s changes nothing", name)
		}
	}
}

func TestAFaultOfAKeyFileNamesItsLine(t *testing.T) {
	key := assertiontest.PEM(t, assertiontest.NewKey(1024))
	path := filepath.Join(t.TempDir(), "short.key")
	if err := os.WriteFile(path, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	found := connections(t, `
connections:
  crm:
    type: http
    base_url: https://crm.example.com
    auth:
      oauth2:
        grant: jwt_bearer
        token_url: https://login.example.com/token
        client_id: app
        subject: me@example.com
        private_key_file: `+path+`
    read: {get: "/customers/{id}"}
    record: {id: record.id, status: record.status}
`)
	if len(found) != 1 || found[0].Line != 12 || !strings.Contains(found[0].Problem, "2048") || found[0].Remedy == "" {
		t.Fatalf("%+v", found)
	}
	notQuoted(t, fmt.Sprint(found), key)
}
