package health

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// at starts a server and returns its address.
func at(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func ours(key string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+Path+"{nonce}", Answer(key))
	return mux
}

func TestARoundTripSaysWhoAnswers(t *testing.T) {
	tls := httptest.NewTLSServer(ours("key"))
	defer tls.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	away := ours("key")
	tests := map[string]struct {
		base   string
		result Result
		says   string
	}{
		"ours":                     {at(t, ours("key")), Pass, "it leads here: a signed answer came back; only tools on this machine"},
		"ours, below a path":       {at(t, http.StripPrefix("/trueup", away)) + "/trueup/", Pass, "it leads here"},
		"one of another database":  {at(t, ours("another")), Fault, "another Trueup answers"},
		"a page for everything":    {at(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) })), Fault, "another server answers with HTTP 200"},
		"a proxy without the path": {at(t, http.NotFoundHandler()), Fault, "HTTP 404; let the proxy of"},
		"a redirect":               {at(t, http.RedirectHandler("/login", http.StatusFound)), Fault, "HTTP 302"},
		"nobody":                   {"http://" + gone.Addr().String(), Fault, "refuses the connection; start the proxy there, and let it pass on /hooks to 127.0.0.1:8080"},
		"a name of nobody":         {"https://sync.invalid", Fault, "the name sync.invalid is not found"},
		"no TLS":                   {strings.Replace(at(t, ours("key")), "http:", "https:", 1), Fault, "does not answer with TLS"},
		"a certificate of nobody":  {tls.URL, Fault, "is not accepted: x509: "},
		"no address":               {"sync", Fault, "it is not an address"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := PublicURLOf(tt.base, "127.0.0.1:8080", Reach(t.Context(), &http.Client{Transport: &http.Transport{}}, tt.base, "key"))
			if got.Result != tt.result || !strings.Contains(got.Sentence(), tt.says) || strings.Contains(got.Sentence(), Path) {
				t.Errorf("%s: %s", got.Result, got.Sentence())
			}
		})
	}
}

func TestPlainHTTPOnANameIsAWarning(t *testing.T) {
	for address, want := range map[string]Result{"http://sync.example.com": Warning, "https://sync.example.com": Pass, "http://localhost:8080": Pass, "http://[::1]:8080": Pass} {
		if got := PublicURLOf(address, "", nil); got.Result != want {
			t.Errorf("%s: %s: %s", address, got.Result, got.Sentence())
		}
	}
}

func TestAnAddressThatDoesNotAnswerMayBeThisNetworksFault(t *testing.T) {
	got := PublicURLOf("https://sync.example.com", "", context.DeadlineExceeded)
	if got.Result != Fault || !strings.Contains(got.Sentence(), "did not answer this machine within 10s") {
		t.Error(got)
	}
	if got := PublicURLOf("https://sync.example.com", "", x509.UnknownAuthorityError{}); !strings.Contains(got.Text, "is not reached") {
		t.Error(got)
	}
}

// A stranger can have anything signed but what would be an answer to anybody else.
func TestOnlyAShortNonceIsAnswered(t *testing.T) {
	w := httptest.NewRecorder()
	ours("key").ServeHTTP(w, httptest.NewRequest(http.MethodGet, Path+strings.Repeat("x", longestNonce+1), nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("it is answered %d %s", w.Code, w.Body)
	}
}

func TestNoPublicURLMattersToThoseWhoReceive(t *testing.T) {
	if got := NoPublicURL(true); got.Result != Warning {
		t.Error(got)
	}
	if got := NoPublicURL(false); got.Result != Pass {
		t.Error(got)
	}
}

func TestTheAddressOfAListenerForThisMachine(t *testing.T) {
	for listen, want := range map[string]string{":8080": "http://127.0.0.1:8080", "0.0.0.0:8080": "http://127.0.0.1:8080", "[::]:8080": "http://127.0.0.1:8080",
		"10.0.0.7:8080": "http://10.0.0.7:8080", "localhost:8080": "http://localhost:8080"} {
		if got := Local(listen); got != want {
			t.Errorf("%s: %s", listen, got)
		}
	}
}
