package canary

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/signature"
)

// event is a webhook of a connection about the customer of a case, with all
// that the tool knows of him.
func (w *world) event(connection, of string) string {
	subject := object{"id": "cus_" + of, "object": "customer", "email": w.mail(of), "name": "Ana " + w.name.core}
	id := "evt_" + connection + "_" + of
	v := object{"id": id, "object": "event", "created": time.Now().Unix(), "livemode": false, "type": "customer.updated", "data": object{"object": subject}}
	if connection != "billing" {
		customer := "cus_" + of
		if connection != "shop" {
			customer = "rec_" + of
		}
		v = object{"id": id, "customer": customer, "status": "canceled", "at": time.Now().UTC().Format(time.RFC3339Nano), "record": subject}
	}
	text, err := json.Marshal(v)
	if err != nil {
		w.Fatal(err)
	}
	return string(text)
}

// signed returns the headers that a connection's tool sends with a body.
func (w *world) signed(connection, body string) http.Header {
	w.Helper()
	if connection == "billing" {
		return signature.SignStripe([]byte(w.secret("connections.billing.webhook_secrets").text), time.Now(), []byte(body))
	}
	if connection == "location" {
		return http.Header{"X-Trueup-Secret": {w.secret("connections.location.webhook.workflow.secrets").text}}
	}
	s := w.secret("connections." + connection + ".webhook.verify.secrets")
	switch connection {
	case "crm":
		// The needle itself is what the text of the secret holds in base64.
		return signature.SignStandard([]byte(s.core), fmt.Sprint("msg_", time.Now().UnixNano()), time.Now(), []byte(body))
	case "shop":
		return signature.SignHMAC(signature.HMAC{Shape: signature.Shape{Header: "X-Signature", Encoding: signature.Hex}}, []byte(s.text), time.Now(), []byte(body))
	}
	return http.Header{"X-Token": {s.text}}
}

// forgeries spoil the headers of a webhook.
var forgeries = map[string]func(w *world, h http.Header){
	"of another body": func(_ *world, h http.Header) {
		for name, values := range h {
			h[name] = []string{values[0][:len(values[0])-2] + "00"}
		}
	},
	"that come twice": func(_ *world, h http.Header) {
		for name, values := range h {
			h[name] = append(values, values...)
		}
	},
	"that are no signature": func(w *world, h http.Header) {
		for name := range h {
			h.Set(name, w.email.core+" v1,t="+w.secret("connections.shop.webhook.verify.secrets").text)
		}
	},
	"that are missing": func(_ *world, h http.Header) { clear(h) },
	"in another place": func(w *world, h http.Header) {
		for name, values := range h {
			h["Authorization"] = values
			delete(h, name)
		}
		h.Set("Cookie", "token="+w.secret("connections.ledger.webhook.verify.secrets").text)
	},
}

// unreadable are bodies that a tool signs and nobody can read.
func (w *world) unreadable() map[string]string {
	mail, name := w.mail("unreadable"), w.name.core
	return map[string]string{
		"no JSON":             name + " <" + mail + ">",
		"a text":              `"` + mail + `"`,
		"cut off":             `{"email": "` + mail,
		"a key twice":         `{"` + mail + `": 1, "` + mail + `": 2}`,
		"keys in two cases":   `{"` + mail + `": 1, "` + strings.ToUpper(mail) + `": 2}`,
		"a wrong number":      `{"id": 1.5e999, "` + mail + `": 1}`,
		"no customer":         `{"id": "evt_` + w.name.core[:4] + `", "` + mail + `": 1}`,
		"a customer's list":   `{"id": "evt_1", "customer": ["` + mail + `"], "at": "` + mail + `"}`,
		"a time that is none": `{"id": "evt_2", "customer": "cus_2", "status": "canceled", "at": "` + mail + `"}`,
		"an id that is none":  `{"id": {"` + mail + `": 1}, "object": "event", "type": "` + mail + `"}`,
		"a type of its own":   `{"id": "evt_3", "object": "event", "created": 1, "type": "` + mail + `", "data": "` + mail + `"}`,
		"another object":      `{"id": "evt_4", "object": "` + mail + `", "created": "` + mail + `"}`,
	}
}

// post sends the webhooks of every kind.
func (sv *service) post() {
	w := sv.w
	w.Helper()
	hook := func(connection string, h http.Header, body string, want int) {
		w.Helper()
		// A sender may put anything into the address.
		path := "/hooks/" + connection + "?token=" + w.secret("connections.crm.auth.bearer").text + "&email=" + w.mail("good")
		if got := sv.request(http.MethodPost, path, h, body); got != want {
			w.Errorf("a webhook of %s is answered %d, not %d: %s", connection, got, want, body)
		}
	}
	for of := range cases {
		for _, connection := range []string{"billing", "shop", "crm", "ledger", "scenario", "location"} {
			body := w.event(connection, of)
			hook(connection, w.signed(connection, body), body, http.StatusOK)
		}
	}
	for _, connection := range []string{"billing", "shop", "crm", "ledger", "scenario", "location"} {
		body := w.event(connection, "good")
		for _, spoil := range forgeries {
			h := w.signed(connection, body)
			spoil(w, h)
			hook(connection, h, body, http.StatusUnauthorized)
		}
		for _, body := range w.unreadable() {
			hook(connection, w.signed(connection, body), body, http.StatusOK)
		}
		h := w.signed(connection, body)
		h.Set("Content-Encoding", w.email.core)
		hook(connection, h, body, http.StatusBadRequest)
		hook(connection, w.signed(connection, body), strings.Repeat(body, 1+1<<20/len(body)), http.StatusRequestEntityTooLarge)
	}
	// Where a tool can send no headers, the secret is a part of the address.
	address := "location/" + w.secret("connections.location.webhook.workflow.secrets").text
	hook(address, nil, w.event("location", "good"), http.StatusOK)
	hook(address+"x", nil, w.event("location", "good"), http.StatusUnauthorized)
	sv.request(http.MethodGet, "/hooks/"+address, nil, "")
	sv.request(http.MethodPost, "/hooks/"+w.mail("good"), nil, "{}")
	sv.request(http.MethodGet, "/hooks/billing", nil, "")
}
