package makecom

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
)

// Make itself answers in words, some of them with a status of 200
// (help.make.com/webhooks and the Webhooks app's page on Webhook response).
const (
	saysAccepted  = "Accepted"
	saysQueueFull = "Queue is full"
	saysFailed    = "Scenario failed to complete."
)

const (
	detailAccepted = "Make only put the request in its queue and answered Accepted, so it is unknown whether anything happened: " +
		"the scenario is switched off, processes sequentially, or has no Webhook response on this route; " +
		"in Make switch the scenario on, switch Sequential processing off, and check its History"
	detailQueueFull = "the queue of the Make webhook is full: its scenario is switched off or the organization is out of credits; " +
		"switch the scenario on in Make, without its old data"
	detailFailed = "the Make scenario stopped with an error before it answered; Make may have switched it off: " +
		"check its History, add an error handler to the module that failed, and switch it on"
	detailNoHook = "Make has no webhook at this address: it was deleted, or disabled after days without a scenario; " +
		"attach the webhook to the scenario again, or write its new address as webhook_url"
	detailKey = "Make does not accept the API key; write as api_key one of the keys in the webhook's settings in Make"
	detailOdd = "Make refused the request itself; remove the data structure, IP restriction or other condition from the webhook's settings in Make"
)

// explain says of a failed call what it means for Make. A status of Make's own
// is about the webhook, whatever the same status means in a tool's API.
func explain(err error, words string) error {
	var known *connector.Failure
	if !errors.As(err, &known) {
		return err
	}
	f := *known
	f.Code = "" // a machine word of a proxy's, of no use to anyone
	switch {
	case f.Status == 0:
	case f.Status/100 == 2 && words == saysAccepted:
		f.Kind, f.Detail = connector.Misconfigured, detailAccepted
	case f.Status == http.StatusBadRequest && strings.HasPrefix(words, saysQueueFull):
		f.Kind, f.Detail = connector.Transient, detailQueueFull
	case f.Status >= 500 && strings.HasPrefix(words, saysFailed):
		f.Detail = detailFailed
	case f.Kind == connector.Gone:
		f.Kind, f.Detail = connector.Misconfigured, detailNoHook
	case f.Kind == connector.Unauthorized:
		f.Detail = detailKey
	case f.Kind == connector.Refused || f.Kind == connector.Moved:
		f.Kind, f.Detail = connector.Misconfigured, detailOdd
	case f.Kind == connector.RateLimited:
		f.Detail = "Make's limit for this webhook or for runs of its scenario is reached"
	}
	return &f
}

// listener remembers the first words of an answer, which package rest does not
// hand out for an answer that is a failure or looks like a page.
type listener struct{ through http.RoundTripper }

type overheardKey struct{}

// listening returns a context in which the first words of an answer are kept.
func listening(ctx context.Context) (context.Context, *string) {
	words := new(string)
	return context.WithValue(ctx, overheardKey{}, words), words
}

// RoundTrip implements http.RoundTripper.
func (l listener) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.through.RoundTrip(r)
	words, ok := r.Context().Value(overheardKey{}).(*string)
	if err != nil || !ok {
		return resp, err
	}
	head, err := readHead(resp.Body)
	*words = strings.TrimSpace(string(head))
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = failing{err}
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), rest), resp.Body}
	return resp, nil
}

// readHead reads as much as the longest of Make's sentences, and returns the
// error that ended it earlier.
func readHead(r io.Reader) ([]byte, error) {
	head := make([]byte, 64)
	n := 0
	for n < len(head) {
		m, err := r.Read(head[n:])
		n += m
		if err != nil {
			return head[:n], err
		}
	}
	return head, nil
}

// failing is a body of which nothing more comes.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
