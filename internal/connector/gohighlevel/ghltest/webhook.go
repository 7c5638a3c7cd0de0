package ghltest

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/signature"
)

// signingKey signs webhooks in HighLevel's place.
type signingKey struct {
	public  ed25519.PublicKey
	private ed25519.PrivateKey
}

func newSigningKey(t testing.TB) signingKey {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return signingKey{public, private}
}

// PublicKey is what webhook.public_keys names.
func (a *Account) PublicKey() string { return base64.StdEncoding.EncodeToString(a.key.public) }

// Sign returns the headers of a delivery.
func (a *Account) Sign(body []byte) http.Header {
	h := signature.SignEd25519("X-GHL-Signature", a.key.private, body)
	h.Set("Content-Type", "application/json")
	return h
}

// Event is the body of a delivery about a contact as it is now.
func (a *Account) Event(kind, webhookID, contact string) []byte {
	c := a.Contact(contact)
	c.ID = contact
	body := c.json()
	delete(body, "dateUpdated") // webhooks have none
	delete(body, "createdBy")
	body["type"], body["webhookId"], body["appId"], body["versionId"] = kind, webhookID, AppID, AppID
	body["timestamp"] = time.Now().UTC().Format(time.RFC3339Nano)
	text, err := json.Marshal(body)
	if err != nil {
		a.t.Fatal(err)
	}
	return text
}

// OpportunityEvent is the body of a delivery about an opportunity.
func (a *Account) OpportunityEvent(kind, webhookID, id string) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.opportunities[id]
	return fmt.Appendf(nil, `{"type":%q,"locationId":%q,"appId":%q,"versionId":%q,"id":%q,"contactId":%q,"pipelineId":%q,"status":%q,"timestamp":%q,"webhookId":%q}`,
		kind, LocationID, AppID, AppID, id, o.Contact, o.Pipeline, o.Status, time.Now().UTC().Format(time.RFC3339Nano), webhookID)
}
