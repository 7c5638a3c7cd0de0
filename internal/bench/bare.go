package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/signature"
)

// Bare is the program that Trueup is compared with. It answers webhooks and stores
// nothing: at /hooks/billing it only checks the signature, at /carry/billing it also makes
// the three calls that carry a change, one after the other, before it answers. It serves on
// listen until ctx ends. toolsURL is where the sample tools are; "" for none.
func Bare(ctx context.Context, listen, toolsURL, secretText string) error {
	h, err := bareHandler(toolsURL, secretText)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("start the bare program: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func bareHandler(toolsURL, secretText string) (http.Handler, error) {
	verifier, err := signature.NewStandardWebhooks([]string{secretText})
	if err != nil {
		return nil, fmt.Errorf("read the secret of the bare program: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: time.Minute}
	genuine := func(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || verifier.Verify(r.Header, body, time.Now()) != nil {
			http.Error(w, "no", http.StatusUnauthorized)
			return nil, false
		}
		return body, true
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /hooks/billing", func(w http.ResponseWriter, r *http.Request) { genuine(w, r) })
	mux.HandleFunc("POST /carry/billing", func(w http.ResponseWriter, r *http.Request) {
		body, ok := genuine(w, r)
		if !ok {
			return
		}
		if err := bareCarry(r.Context(), client, toolsURL, body); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	})
	return mux, nil
}

// record is what both tools answer.
type record struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

// bareCarry carries the change of an event: read the source, read the target, write. It
// knows the link, as Trueup does from the second change on.
func bareCarry(ctx context.Context, client *http.Client, url string, body []byte) error {
	var event struct{ Data record }
	if err := json.Unmarshal(body, &event); err != nil {
		return err
	}
	contact := url + "/crm/contacts/" + strings.Replace(event.Data.ID, "cus_", "rec_", 1)
	source, err := call(ctx, client, http.MethodGet, url+"/billing/customers/"+event.Data.ID, nil)
	if err != nil {
		return err
	}
	if _, err := call(ctx, client, http.MethodGet, contact, nil); err != nil {
		return err
	}
	for v, word := range billingWords {
		if word == source.Status {
			_, err = call(ctx, client, http.MethodPut, contact, fmt.Appendf(nil, `{"status":%q}`, crmWords[v]))
		}
	}
	return err
}

func call(ctx context.Context, client *http.Client, method, url string, body []byte) (r record, err error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return r, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return r, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return r, fmt.Errorf("the sample tool answered %d", resp.StatusCode)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return r, err
	}
	err = json.Unmarshal(text, &r)
	return r, err
}

// barePages reads all pages of one list as JSON and drops them.
func barePages(ctx context.Context, client *http.Client, url string) (n int, err error) {
	for after := ""; ; {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"?limit=200&after="+after, nil)
		if err != nil {
			return n, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return n, err
		}
		var page struct {
			Customers, Contacts []record
			Next                string
		}
		err = json.NewDecoder(resp.Body).Decode(&page)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			return n, err
		}
		n += len(page.Customers) + len(page.Contacts)
		if page.Next == "" {
			return n, nil
		}
		after = page.Next
	}
}
