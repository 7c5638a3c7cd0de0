package health

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
)

// Path is where a server proves that it is the one that is asked for. It is
// below /hooks, as the tools' webhooks are: a proxy may pass on nothing else.
const Path = "/hooks/-/"

// reachTime bounds one round trip.
const reachTime = 10 * time.Second

// longestNonce bounds what a stranger has signed.
const longestNonce = 64

// Answer answers GET Path+{nonce}: whoever knows the key sees that the answer is
// from a server that knows it too.
func Answer(key string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nonce := r.PathValue("nonce")
		if nonce == "" || len(nonce) > longestNonce {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, sign(key, nonce))
	})
}

func sign(key, nonce string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("trueup round trip\x00" + nonce))
	return "trueup " + hex.EncodeToString(mac.Sum(nil))
}

// Why an answer is not ours.
var (
	errOther   = errors.New("another server answers")
	errAnother = errors.New("another Trueup answers, which has another database")
)

// Reach makes the round trip to a server at base: nil means that the one with the
// key answered. client follows no redirect from then on.
func Reach(ctx context.Context, client *http.Client, base, key string) error {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	nonce := rand.Text()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base, "/")+Path+nonce, nil)
	if err != nil {
		return err
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
	text, want := strings.TrimSpace(string(body)), sign(key, nonce)
	switch {
	case err != nil:
		return err
	case answer.StatusCode == http.StatusOK && hmac.Equal([]byte(text), []byte(want)):
		return nil
	case answer.StatusCode == http.StatusOK && len(text) == len(want) && strings.HasPrefix(text, "trueup "):
		return errAnother
	}
	return fmt.Errorf("%w with HTTP %d", errOther, answer.StatusCode)
}

// NoPublicURL is the check where public_url is not set. needed says that a
// connection has webhooks.
func NoPublicURL(needed bool) Check {
	if !needed {
		return pass(PublicURL, Service, "not set; no connection of a sync has webhooks")
	}
	return warning(PublicURL, Service, "not set, so it is unknown whether the tools reach this server", "set public_url to the address at which they do")
}

// PublicURLOf is the check of public_url by what Reach returned, with listen as
// the address at which this server is to be reached.
func PublicURLOf(public, listen string, err error) Check {
	at, bad := url.Parse(public)
	if bad != nil || at.Host == "" {
		return fault(PublicURL, Service, "it is not an address", "write an address such as https://sync.example.com")
	}
	if err != nil {
		text, remedy := unreached(at, listen, err)
		return fault(PublicURL, Service, text, remedy)
	}
	const reached = "it leads here: a signed answer came back"
	switch loopback := config.Loopback(at.Hostname()); {
	case loopback:
		return pass(PublicURL, Service, reached+"; only tools on this machine can use "+at.Host)
	case at.Scheme != "https":
		return warning(PublicURL, Service, reached+", but without TLS: anyone on the way can read the webhooks", "put a proxy with TLS in front, and write https://")
	}
	return pass(PublicURL, Service, reached)
}

func unreached(at *url.URL, listen string, err error) (text, remedy string) {
	var name *net.DNSError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &name):
		return "the name " + at.Hostname() + " is not found", "correct public_url, or add the name to the DNS"
	case errors.As(err, &verify):
		return "the certificate of " + at.Host + " is not accepted: " + verify.Err.Error(), "renew it, or let the proxy serve the one of this name with its chain"
	case errors.As(err, &record), errors.As(err, &alert), errors.Is(err, http.ErrSchemeMismatch):
		return at.Host + " does not answer with TLS", "put a proxy with TLS in front; Trueup itself speaks plain HTTP"
	case errors.Is(err, errRefused):
		return at.Host + " refuses the connection", "start the proxy there, and let it pass on /hooks to " + listen
	case errors.Is(err, errAnother):
		return errAnother.Error(), "let the proxy of " + at.Host + " pass on /hooks to " + listen
	case errors.Is(err, errOther):
		return err.Error(), "let the proxy of " + at.Host + " pass on /hooks, with all below it, to " + listen
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("%s did not answer this machine within %s", at.Host, reachTime),
			"open the firewall; if only this network cannot reach its own public address, ask from another: GET " + Path + "1 is answered with a line that begins with trueup"
	}
	return at.Host + " is not reached: " + cause(err), "correct public_url, or what is in the way"
}

// cause is an error of a call without the address that was called.
func cause(err error) string {
	var call *url.Error
	if errors.As(err, &call) {
		return call.Err.Error()
	}
	return err.Error()
}

// PortOf is the check of listen: err is what listening there met, and ours says
// that it is the running service that has it.
func PortOf(listen string, err error, ours bool) Check {
	_, port, _ := net.SplitHostPort(listen)
	switch {
	case err == nil && port == "0":
		return pass(Port, Service, listen+" is any port that is free at the start")
	case err == nil:
		return pass(Port, Service, listen+" is free")
	case ours:
		return pass(Port, Service, listen+" is held by the running service, which uses this database")
	case InUse(err):
		return fault(Port, Service, "another program listens on "+listen, "end it, or choose another address with listen in trueup.yaml")
	}
	return fault(Port, Service, fmt.Sprintf("cannot listen on %s: %v", listen, err), "choose another address with listen in trueup.yaml")
}

// InUse reports whether listening failed because another program has the port.
func InUse(err error) bool { return errors.Is(err, errInUse) }

// Local is the address of a server that listens, for a caller on this machine.
func Local(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		listen = net.JoinHostPort("127.0.0.1", port)
	}
	return "http://" + listen
}
