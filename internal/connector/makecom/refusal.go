package makecom

import (
	"fmt"
	"net/http"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
)

// refusal is what a scenario's error word means. The set is closed; any other
// word counts as failed.
type refusal struct {
	kind   connector.FailureKind
	detail string
	// unknown is set when a write may have happened all the same.
	unknown bool
}

const (
	errorFailed = "failed"
	errorTool   = "tool_error"
)

var refusals = map[string]refusal{
	"not_found":    {kind: connector.Gone, detail: "the tool behind Make has no such record"},
	"refused":      {kind: connector.Refused, detail: "the scenario refused the request: it does not write this value, or the tool refused it"},
	"moved":        {kind: connector.Moved, detail: "the record changed between reading and writing"},
	"busy":         {kind: connector.RateLimited, detail: "the tool behind Make is at its limit"},
	"unauthorized": {kind: connector.Unauthorized, detail: "the tool behind Make does not accept the scenario's connection; renew it in Make"},
	"expired": {kind: connector.Transient, detail: "the request came too late in Make's queue and was not run; " +
		"the scenario was off or slow, or this machine's clock is wrong"},
	"unsupported": {kind: connector.Misconfigured, detail: "the scenario has no route for this operation; export it again with trueup export make"},
	errorFailed:   {kind: connector.Transient, detail: "a step of the scenario failed; check its History in Make", unknown: true},
}

// failure is what an answer with ok: false means.
func (a answer) failure(write bool, status int) *connector.Failure {
	word, _ := a["error"].(string)
	if word == errorTool {
		if code, ok := a["tool_status"].(int64); ok {
			return toolFailure(write, int(code))
		}
	}
	r, known := refusals[word]
	if !known || r.kind == connector.Moved && !write {
		word = errorFailed
		r = refusals[word]
	}
	f := &connector.Failure{Kind: r.kind, Effect: connector.EffectNone, Status: status, Code: word, Detail: r.detail}
	if r.unknown {
		f.Effect = effectOf(write)
	}
	return f
}

// toolFailure reads a status that the tool gave the scenario, by the same table
// as of a tool that is called directly.
func toolFailure(write bool, status int) *connector.Failure {
	f := rest.Classify(write, status, nil, nil, 0)
	switch {
	case f == nil || status < 100 || status > 599:
		return &connector.Failure{Kind: connector.Misconfigured, Effect: effectOf(write), Code: errorTool,
			Detail: "the scenario reports an error of its tool without an error status; check the filters behind its HTTP module"}
	case status/100 == 3:
		f.Detail = "the tool behind Make answered with a redirect; correct the address in the scenario's HTTP module"
	case f.Kind == connector.Unauthorized:
		f.Detail = "the tool behind Make does not accept the scenario's credentials, or their permissions are too narrow; renew them in Make"
	case status == http.StatusBadRequest:
		f.Detail = "the tool behind Make refused the request; check the fields of the scenario's HTTP module"
	default:
		f.Detail = fmt.Sprintf("behind Make: %s", f.Detail)
	}
	f.Code = errorTool
	return f
}
