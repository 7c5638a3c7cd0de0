package gohighlevel

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
)

// The headers of HighLevel's two signatures.
const (
	signed = "X-GHL-Signature"
	legacy = "X-WH-Signature"
	// notSigned is what HighLevel puts in the place of a signature it did not
	// make.
	notSigned = "N/A"
)

// publishedKey is the key of HighLevel's Webhook Integration Guide
// (marketplace.gohighlevel.com/docs/webhook/WebhookIntegrationGuide). One key
// signs for all apps and all customers, so what a signature proves is only
// that HighLevel sent the body: for which app and location, the body says.
const publishedKey = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg="

// receiver implements connector.Receiver and connector.Shared.
type receiver struct {
	location, app string
	scheme        signature.Ed25519
	legacy        *rsa.PublicKey // nil: not taken
	workflow      []signature.StaticHeader
	now           func() time.Time
}

func newReceiver(s *Settings, now func() time.Time) (receiver, error) {
	w := s.Webhook
	r := receiver{location: s.LocationID, app: w.AppID, now: now}
	keys, err := w.keys()
	if err != nil {
		return receiver{}, fmt.Errorf("webhook.public_keys: %w", err)
	}
	if r.scheme, err = signature.NewEd25519(signature.Ed25519Body(signed), keys); err != nil {
		return receiver{}, fmt.Errorf("webhook.public_keys: %w", err)
	}
	if w.LegacyRSA {
		if r.legacy, err = legacyKey(); err != nil {
			return receiver{}, err
		}
	}
	if w.Workflow != nil {
		var secrets []string
		for _, secret := range w.Workflow.Secrets {
			secrets = append(secrets, secret.Reveal())
		}
		for _, header := range []string{w.Workflow.header(), connector.PathSecret} {
			scheme, err := signature.NewStaticHeader(header, secrets)
			if err != nil {
				return receiver{}, fmt.Errorf("webhook.workflow.secrets: %w", err)
			}
			r.workflow = append(r.workflow, scheme)
		}
	}
	return r, nil
}

// Signed implements connector.Receiver.
func (r receiver) Signed() bool { return true }

// Verify implements connector.Receiver. A delivery with a signature stands or
// falls with it; only without one may it be a workflow's.
func (r receiver) Verify(h http.Header, body []byte, now time.Time) error {
	switch {
	case given(h, signed):
		if r.app == "" {
			return errors.New("the delivery is signed for an app, and the connection has no webhook.app_id")
		}
		if err := r.scheme.Verify(h, body, now); err != nil {
			return err
		}
		return r.ours(body)
	case r.legacy != nil && given(h, legacy):
		if err := r.verifyLegacy(h, body); err != nil {
			return err
		}
		return r.ours(body)
	case len(r.workflow) == 0:
		return fmt.Errorf("the %s header is missing", signed)
	}
	return r.verifyWorkflow(h, body, now)
}

// given reports whether a signature is there. A header that is there twice or
// is empty is for the scheme to refuse.
func given(h http.Header, name string) bool {
	values := h.Values(name)
	return len(values) > 0 && !slices.Equal(values, []string{notSigned})
}

// ours refuses what was signed for another location, or for another app of the
// same one: anyone can have an app.
func (r receiver) ours(body []byte) error {
	e := readEnvelope(body)
	switch {
	case e.text("appId") != r.app || r.app == "":
		return errors.New("the delivery is for an app other than webhook.app_id")
	case e.text("locationId") == r.location:
		return nil
	case e.text("locationId") == "" && installation(e.text("type")):
		return nil // of an agency; it is noted and nothing else
	}
	return errors.New("the delivery is for a location other than location_id")
}

// verifyWorkflow takes a secret in the header or, where the workflow's action
// has no headers, in the address. In neither place may a wrong one stand beside
// a right one.
func (r receiver) verifyWorkflow(h http.Header, body []byte, now time.Time) error {
	scheme := r.workflow[0]
	if len(h.Values(connector.PathSecret)) > 0 && len(h.Values(scheme.Name)) == 0 {
		scheme = r.workflow[1]
	}
	if err := scheme.Verify(h, body, now); err != nil {
		if scheme.Name == connector.PathSecret {
			return errors.New("the last part of the address matches none of the configured secrets")
		}
		return err
	}
	if location := readEnvelope(body).object("location").text("id"); location != "" && location != r.location {
		return errors.New("the delivery is for a location other than location_id")
	}
	return nil
}

// legacyPEM is the key of the retired signature, from docs/oauth/
// WebhookAuthentication.md of github.com/GoHighLevel/highlevel-api-docs.
const legacyPEM = `-----BEGIN PUBLIC KEY-----
MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAokvo/r9tVgcfZ5DysOSC
Frm602qYV0MaAiNnX9O8KxMbiyRKWeL9JpCpVpt4XHIcBOK4u3cLSqJGOLaPuXw6
dO0t6Q/ZVdAV5Phz+ZtzPL16iCGeK9po6D6JHBpbi989mmzMryUnQJezlYJ3DVfB
csedpinheNnyYeFXolrJvcsjDtfAeRx5ByHQmTnSdFUzuAnC9/GepgLT9SM4nCpv
uxmZMxrJt5Rw+VUaQ9B8JSvbMPpez4peKaJPZHBbU3OdeCVx5klVXXZQGNHOs8gF
3kvoV5rTnXV0IknLBXlcKKAQLZcY/Q9rG6Ifi9c+5vqlvHPCUJFT5XUGG5RKgOKU
J062fRtN+rLYZUV+BjafxQauvC8wSWeYja63VSUruvmNj8xkx2zE/Juc+yjLjTXp
IocmaiFeAO6fUtNjDeFVkhf5LNb59vECyrHD2SQIrhgXpO4Q3dVNA5rw576PwTzN
h/AMfHKIjE4xQA1SZuYJmNnmVZLIZBlQAF9Ntd03rfadZ+yDiOXCCs9FkHibELhC
HULgCsnuDJHcrGNd5/Ddm5hxGQ0ASitgHeMZ0kcIOwKDOzOU53lDza6/Y09T7sYJ
PQe7z0cvj7aE4B+Ax1ZoZGPzpJlZtGXCsu9aTEGEnKzmsFqwcSsnw3JB31IGKAyk
T1hhTiaCeIY/OwwwNUY2yvcCAwEAAQ==
-----END PUBLIC KEY-----`

func legacyKey() (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(legacyPEM))
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	return parsed.(*rsa.PublicKey), nil
}

func (r receiver) verifyLegacy(h http.Header, body []byte) error {
	values := h.Values(legacy)
	if len(values) != 1 {
		return fmt.Errorf("the %s header appears %d times", legacy, len(values))
	}
	text, err := base64.StdEncoding.Strict().DecodeString(values[0])
	if err != nil {
		return fmt.Errorf("the %s header is not valid base64", legacy)
	}
	sum := sha256.Sum256(body)
	if rsa.VerifyPKCS1v15(r.legacy, crypto.SHA256, sum[:], text) != nil {
		return fmt.Errorf("the %s header does not match the published key", legacy)
	}
	return nil
}

// Account implements connector.Shared: an app has one address for the events of
// all locations that installed it.
func (r receiver) Account() string {
	if r.app == "" {
		return ""
	}
	return r.app + "/" + r.location
}

// Recipient implements connector.Shared.
func (r receiver) Recipient(body []byte) string {
	e := readEnvelope(body)
	if app, location := e.text("appId"), e.text("locationId"); app != "" && location != "" {
		return app + "/" + location
	}
	return ""
}

// envelope is a JSON object by its exact keys: encoding/json would take ID for
// id in a struct.
type envelope map[string]json.RawMessage

func readEnvelope(body []byte) envelope {
	var e envelope
	if json.Unmarshal(body, &e) != nil {
		return nil
	}
	return e
}

func (e envelope) text(key string) string {
	var s string
	if json.Unmarshal(e[key], &s) != nil {
		return ""
	}
	return s
}

func (e envelope) object(key string) envelope {
	var inner envelope
	if json.Unmarshal(e[key], &inner) != nil {
		return nil
	}
	return inner
}

// contactEvents are the types whose id is the contact's, opportunityEvents
// those that name it as contactId.
var (
	contactEvents     = []string{"ContactCreate", "ContactUpdate", "ContactTagUpdate", "ContactDelete"}
	opportunityEvents = []string{"OpportunityCreate", "OpportunityUpdate", "OpportunityStatusUpdate", "OpportunityStageUpdate", "OpportunityDelete"}
)

func installation(kind string) bool { return kind == "INSTALL" || kind == "UNINSTALL" }

// Events implements connector.Receiver. HighLevel sends one event a request.
func (r receiver) Events(h http.Header, body []byte) ([]connector.Reading, error) {
	e := readEnvelope(body)
	if e == nil {
		return nil, errors.New("the body is not a JSON object")
	}
	reading := connector.Reading{Event: status.Event{ID: e.text("webhookId"), Payload: slices.Clone(body)}}
	if !given(h, signed) && !given(h, legacy) && len(r.workflow) > 0 {
		return r.workflowEvent(e, reading)
	}
	kind := e.text("type")
	if !plausibleID(reading.Event.ID) {
		return nil, errors.New("the delivery has no webhookId")
	}
	if !isEventType(kind) {
		return nil, errors.New("the delivery has no type")
	}
	switch {
	case slices.Contains(contactEvents, kind):
		reading.Event.Customer = e.text("id")
	case slices.Contains(opportunityEvents, kind):
		if reading.Event.Customer = e.text("contactId"); reading.Event.Customer == "" {
			reading.Skip = "the opportunity of the event has no contact"
			return []connector.Reading{reading}, nil
		}
	case kind == "UNINSTALL":
		reading.Skip = "the app was uninstalled: its token is no longer accepted; install it again and run trueup connect"
		return []connector.Reading{reading}, nil
	default:
		reading.Skip = fmt.Sprintf("gohighlevel event type %s cannot change a customer's status", kind)
		return []connector.Reading{reading}, nil
	}
	if !plausibleID(reading.Event.Customer) {
		return nil, fmt.Errorf("the %s event does not name its contact", kind)
	}
	// When the change happened is not told: the timestamp is that of the
	// delivery, in captures up to six minutes later, and a time that is too
	// late would let a write cover a person's edit.
	return []connector.Reading{reading}, nil
}

// workflowEvent reads a workflow's delivery, which has no id. It gets one of
// its own by the moment it arrived: if the id were made of the body alone, a
// customer who is paused a second time would look like a repeat of the first
// and be lost, while a repeat that counts as new costs one look.
func (r receiver) workflowEvent(e envelope, reading connector.Reading) ([]connector.Reading, error) {
	contact := e.text("contact_id")
	if !plausibleID(contact) {
		return nil, errors.New("the delivery does not name its contact; let the workflow send contact_id with the value {{contact.id}}")
	}
	sum := sha256.Sum256(append([]byte(strconv.FormatInt(r.now().UnixMilli(), 10)+"\n"), reading.Event.Payload...))
	reading.Event.ID, reading.Event.Customer = "workflow:"+hex.EncodeToString(sum[:16]), contact
	return []connector.Reading{reading}, nil
}

// isEventType accepts what HighLevel names its types with, so that a type can
// be quoted to people.
func isEventType(s string) bool {
	if s == "" || len(s) > 60 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' {
			return false
		}
	}
	return true
}
