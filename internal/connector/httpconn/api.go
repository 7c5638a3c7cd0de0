package httpconn

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
)

// api makes the calls of one connection.
type api struct {
	*compiled
	rest *rest.Client
	now  func() time.Time
	// grants get the tokens that calls are made with, nil where the file has all.
	grants *grants
	use    connector.Use
	// legal are the words that the tool's field may hold, nil where it is not asked.
	legal *connector.Remembered[[]string]
}

// get makes a read call and returns the names its expressions may use. survivor
// reads a record's id out of a redirect, nil when none can be meant.
func (a *api) get(ctx context.Context, t *template, values map[string]string, survivor func(*url.URL) string) (map[string]any, error) {
	path, err := t.expand(values)
	if err != nil {
		return nil, unsafeAddress(err)
	}
	answer, err := a.call(ctx, rest.Request{Method: http.MethodGet, Path: path, Survivor: survivor, Judge: a.judge(values, values[phID] != "")})
	if err != nil {
		return nil, err
	}
	return variables(answer)
}

// isCutOff reports whether an answer's JSON ends too early.
func isCutOff(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }

// headersOf is the headers variable: lower-case names, a repeated header
// joined as RFC 9110, section 5.3 allows.
func headersOf(h http.Header) map[string]any {
	out := make(map[string]any, len(h))
	for k, v := range h {
		out[strings.ToLower(k)] = strings.Join(v, ", ")
	}
	return out
}

// misconfigured is the failure of an expression that does not fit.
func misconfigured(err error) error {
	return &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
		Detail: "the tool's answer does not fit the configuration: " + err.Error(), Err: err}
}

func unsafeAddress(err error) error {
	return &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone,
		Detail: "the call was not made, because of the id or value it is about: " + err.Error(), Err: err}
}
