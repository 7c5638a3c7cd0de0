package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/api"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const ana = "ana@example.com"

// hand does a deed as Ana, and shows an exception. A key makes a repeated deed
// one.
type hand interface {
	deed(l *live, id int64, d deed, key string)
	show(l *live, id int64) contract.ExceptionInFull
	ana() string // what histories call her
}

// byAPI is a program with a token.
type byAPI struct{ token string }

func (h byAPI) ana() string { return ana + " via api:bot" }

func (h byAPI) deed(l *live, id int64, d deed, key string) {
	l.Helper()
	if d.verb == store.ResumeSync {
		body, err := json.Marshal(map[string]any{"reason": "so it is", "as": ana})
		l.must(err)
		h.call(l, http.MethodPost, "/syncs/customer-status/resume", body, key, nil)
		return
	}
	body, err := json.Marshal(map[string]any{"verb": d.verb, "as": ana})
	if d.targetID != "" {
		body, err = json.Marshal(map[string]any{"verb": d.verb, "as": ana, "target_id": d.targetID})
	}
	l.must(err)
	h.call(l, http.MethodPost, fmt.Sprintf("/exceptions/%d/actions", id), body, key, nil)
}

func (h byAPI) show(l *live, id int64) (x contract.ExceptionInFull) {
	l.Helper()
	h.call(l, http.MethodGet, fmt.Sprint("/exceptions/", id), nil, "", &x)
	return x
}

func (h byAPI) call(l *live, method, path string, body []byte, key string, into any) {
	l.Helper()
	req, err := http.NewRequestWithContext(l.Context(), method, l.app.URL()+api.Prefix+path, bytes.NewReader(body))
	l.must(err)
	req.Header.Set("Authorization", "Bearer "+h.token)
	req.Header.Set("Idempotency-Key", key)
	resp, err := http.DefaultClient.Do(req)
	l.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	l.must(err)
	if resp.StatusCode != http.StatusOK {
		l.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	if into != nil {
		l.must(json.Unmarshal(text, into))
	}
}

// byCommand is a person at a terminal beside the running service.
type byCommand struct{ program, config string }

func (h byCommand) ana() string { return ana }

func (h byCommand) deed(l *live, id int64, d deed, key string) {
	l.Helper()
	args := []string{"exceptions", string(d.verb), fmt.Sprint(id), "--as", ana, "--key", key}
	if d.targetID != "" {
		args = append(args, d.targetID, "--yes")
	}
	if d.verb == store.ResumeSync {
		args = []string{"resume", "customer-status", "--reason", "so it is", "--as", ana, "--key", key}
	}
	h.run(l, args...)
}

func (h byCommand) show(l *live, id int64) (x contract.ExceptionInFull) {
	l.Helper()
	l.must(json.Unmarshal(h.run(l, "exceptions", "show", fmt.Sprint(id), "--json"), &x))
	return x
}

func (h byCommand) run(l *live, args ...string) []byte {
	l.Helper()
	cmd := exec.CommandContext(l.Context(), h.program, append(args, "-c", h.config)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		l.Fatalf("trueup %v: %v\n%s", args, err, &errs)
	}
	return out
}

func (l *live) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// token makes a token for a program that is called bot.
func (l *live) token(r store.Role) string {
	l.Helper()
	text := api.NewToken()
	_, err := l.db.AddAPIToken(l.Context(), store.APIToken{Name: "bot", Role: r, CreatedBy: "test"}, api.Hash(text))
	l.must(err)
	return text
}

// configFile writes the configuration for a command.
func (l *live) configFile() string {
	l.Helper()
	path := filepath.Join(l.TempDir(), "trueup.yaml")
	l.must(os.WriteFile(path, []byte(configText(l.dsn, l.billing.URL, l.crm.URL)), 0o600))
	return path
}

// hook sends a webhook that is signed, whatever it says.
func (l *live) hook(body string) {
	l.Helper()
	code, err := post(l.Context(), l.app.URL(), body)
	l.must(err)
	if code != http.StatusOK {
		l.Fatalf("the webhook is answered %d", code)
	}
}

// post sends a webhook of billing to a service.
func post(ctx context.Context, url, body string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/hooks/billing", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("X-Token", hookToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// changeOf changes a customer with any address in billing, and tells of it.
func (l *live) changeOf(id, email, event, value string) {
	l.Helper()
	l.billing.Set(resttest.Record{ID: id, Email: email, Status: value})
	l.hook(fmt.Sprintf(`{"id":%q,"customer":%q,"status":%q,"at":%q}`, event, id, value, time.Now().UTC().Format(time.RFC3339Nano)))
}

// quiet waits until no event waits for its outcome.
func (l *live) quiet() {
	l.Helper()
	l.until("no event waits", func() bool {
		counts, err := l.db.Counts(l.Context())
		return err == nil && counts["customer-status"].WaitingEvents == 0
	})
}

// carried is a customer who is paused in both tools.
func (l *live) carried(n int) {
	l.Helper()
	l.customer(n)
	l.change(n, "evt_1", "paused")
	l.quiet()
}

// exceptions are the open ones of a kind.
func (l *live) exceptions(kind status.Kind) []store.Exception {
	l.Helper()
	found, err := l.db.Exceptions(l.Context(), store.ExceptionFilter{Kind: kind, States: []status.State{status.Open}})
	l.must(err)
	return found
}
