package app_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// asks sends a GET, as a proxy passes it on when it names who asked.
func (l *live) asks(url, token, forwarded string) (int, string) {
	l.Helper()
	r, err := http.NewRequestWithContext(l.Context(), http.MethodGet, url, nil)
	l.must(err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if forwarded != "" {
		r.Header.Set("X-Forwarded-For", forwarded)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	l.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	l.must(err)
	return answer.StatusCode, string(text)
}

func TestMetricsFromElsewhereNeedAToken(t *testing.T) {
	l := newLive(t, storetest.File(t))
	at := l.app.URL() + "/metrics"
	token := l.token(store.Viewer)
	for name, tt := range map[string]struct {
		token, forwarded string
		code             int
	}{
		"from this machine":                   {"", "", http.StatusOK},
		"passed on by a proxy":                {"", "203.0.113.9", http.StatusUnauthorized},
		"passed on, with a token":             {token, "203.0.113.9", http.StatusOK},
		"passed on, with one that is made up": {"tu_x", "203.0.113.9", http.StatusUnauthorized},
	} {
		code, text := l.asks(at, tt.token, tt.forwarded)
		if code != tt.code || strings.Contains(text, "trueup_") != (code == http.StatusOK) {
			t.Errorf("%s: %d %.80s", name, code, text)
		}
	}
}

func TestAnAddressOfTheirOwnKeepsPeoplesPagesAwayFromWebhooks(t *testing.T) {
	l := newLive(t, storetest.File(t), "\nadmin_listen: 127.0.0.1:0\n")
	public, admin := l.app.URL(), l.app.AdminURL()
	if public == admin {
		t.Fatal("both are one")
	}
	for path, want := range map[string][2]int{
		"/":               {http.StatusNotFound, http.StatusSeeOther},
		"/exceptions":     {http.StatusNotFound, http.StatusSeeOther},
		"/metrics":        {http.StatusNotFound, http.StatusOK},
		"/api/v1/status":  {http.StatusNotFound, http.StatusUnauthorized},
		"/healthz":        {http.StatusOK, http.StatusOK},
		"/readyz":         {http.StatusOK, http.StatusOK},
		"/help/unmatched": {http.StatusNotFound, http.StatusOK},
	} {
		for i, base := range []string{public, admin} {
			if code, _ := l.asks(base+path, "", ""); code != want[i] && !(want[i] == http.StatusSeeOther && code == http.StatusNotFound && path != "/") {
				t.Errorf("%s at %s: %d, not %d", path, base, code, want[i])
			}
		}
	}
	l.customer(1)
	l.change(1, "evt_1", "canceled")
	l.until("it is carried", func() bool { return l.crm.Record("rec_1").Status == "Churned" })
}
