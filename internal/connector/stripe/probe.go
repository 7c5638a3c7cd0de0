package stripe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// probe implements connector.Probe.
type probe struct {
	api *client
	key string
	now func() time.Time
}

// Probe implements connector.Probe: it reads one object of each kind that the
// connection needs, and stops at the first it may not read.
func (p probe) Probe(ctx context.Context) ([]string, error) {
	var sentences []string
	for _, r := range []resource{customers, subscriptions, events} {
		var answer page
		if err := p.api.get(ctx, r, r.path(), url.Values{"limit": {"1"}}, &answer); err != nil {
			return sentences, fmt.Errorf("read one of the account's %s: %w", r, err)
		}
		if answer.Object != "list" {
			return sentences, unexpected(r, "is not a list", nil)
		}
		sentences = append(sentences, fmt.Sprintf("the API key may read %s", r))
		if r == events {
			sentences = append(sentences, connector.SayClocks(p.now(), p.api.rest.Clock(), "the newest event", newestOf(answer))...)
		}
	}
	if m := modeOf(p.key); m != modeUnknown {
		sentences = append(sentences, fmt.Sprintf("the API key is for the %s mode", m))
	}
	if strings.HasPrefix(p.key, "sk_") {
		sentences = append(sentences, "the API key is a secret key, which can do everything; a restricted key that can read is enough")
	}
	return sentences, nil
}

// newestOf is when the newest event of the account was made, zero when it has none.
func newestOf(events page) time.Time {
	var newest struct {
		Created int64 `json:"created"`
	}
	if len(events.Data) == 0 || json.Unmarshal(events.Data[0], &newest) != nil {
		return time.Time{}
	}
	at, _ := unixTime(newest.Created)
	return at
}
