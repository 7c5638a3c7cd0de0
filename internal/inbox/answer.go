package inbox

import (
	"cmp"
	"net/http"
	"strconv"

	"github.com/trueup-sync/trueup/internal/status"
)

// answer is the HTTP answer to a sender. Its body is for people who read the
// sending tool's log.
type answer struct {
	status int
	// result is the label of the metric.
	result string
	body   string
	// contentType is JSON unless set, and header one more header.
	contentType   string
	header, value string
	// refusal is counted; the senders of what has none send it again.
	refusal status.Refusal
}

// The answers that are always the same.
var (
	unknownConnection = refusal(http.StatusNotFound, "rejected", "no connection with this name",
		"the last part of the address must be the name of a connection in trueup.yaml", "")
	noWebhook = refusal(http.StatusNotFound, "rejected", "this connection does not accept webhooks",
		"add webhook to the connection in trueup.yaml, or add poll to the sync's source", status.NoWebhook)
	noSync = refusal(http.StatusNotFound, "rejected", "no sync uses this connection",
		"use the connection as the source or target of a sync in trueup.yaml", status.NoSync)
	badSignature = refusal(http.StatusUnauthorized, "rejected", "invalid signature",
		"compare the webhook secret in trueup.yaml with the tool's, and the clocks of both machines", status.BadSignature)
	tooLarge   = refusal(http.StatusRequestEntityTooLarge, "too_large", "the body is larger than 1 MiB", "send fewer events at once", status.TooLarge)
	malformed  = refusal(http.StatusBadRequest, "malformed", "cannot read the body", "compare it with webhook of the connection in trueup.yaml", status.Malformed)
	compressed = refusal(http.StatusBadRequest, "malformed", "the body is compressed", "send it without Content-Encoding", status.Compressed)
	cutOff     = refusal(http.StatusBadRequest, "malformed", "the body is incomplete", "send it again", "")
	// Senders retry after these two.
	unavailable = refusal(http.StatusServiceUnavailable, "unavailable", "the events could not be stored", "send them again", "")
	stopping    = refusal(http.StatusServiceUnavailable, "unavailable", "the service is stopping", "send the events again", "")
)

// refusal makes an answer from texts that need no escaping.
func refusal(code int, result, what, next string, why status.Refusal) answer {
	return answer{status: code, result: result, refusal: why, body: `{"error":"` + what + `","hint":"` + next + `"}` + "\n"}
}

func accepted(n, duplicates int) answer {
	return answer{status: http.StatusOK, result: "accepted",
		body: `{"accepted":` + strconv.Itoa(n) + `,"duplicates":` + strconv.Itoa(duplicates) + "}\n"}
}

// pinged is the answer to a webhook without an event.
var pinged = answer{status: http.StatusOK, result: "ping", body: `{"accepted":0,"duplicates":0}` + "\n"}

func (a answer) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", cmp.Or(a.contentType, "application/json"))
	h.Set("X-Content-Type-Options", "nosniff")
	if a.header != "" {
		h.Set(a.header, a.value)
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	if a.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", comeBack)
	}
	w.WriteHeader(a.status)
	w.Write([]byte(a.body)) // a sender that hung up learns it from its retry
}
