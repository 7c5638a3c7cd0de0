package httpconn

import (
	"strings"
	"time"

	"cel.dev/cel-go/common/types"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
	"github.com/trueup-sync/trueup/internal/strictjson"
)

// Answers say what the tool's answers mean where their status does not: each is
// an expression that is true of such an answer.
type Answers struct {
	RateLimited  string `yaml:"rate_limited"`
	Unauthorized string `yaml:"unauthorized"`
	// Moved is asked of a write: the record is another than was read.
	Moved   string `yaml:"moved"`
	Gone    string `yaml:"gone"`
	Refused string `yaml:"refused"`
	// Pause is how long the connection rests when rate_limited is true and the
	// answer has no Retry-After.
	Pause time.Duration `yaml:"pause"`
	// Words is the tool's own text about a refusal.
	Words string `yaml:"words"`
}

// maxPause is as much as a tool itself may ask for with Retry-After.
const maxPause = time.Hour

// meanings are the compiled Answers.
type meanings struct {
	rateLimited, unauthorized, moved, gone, refused, words *expression
	pause                                                  time.Duration
}

func (c *compiler) answers() {
	a := c.s.Answers
	if a == nil {
		return
	}
	vars := []string{varCode, varHeaders, varBody}
	c.out.answers = &meanings{
		rateLimited:  c.truth("answers.rate_limited", a.RateLimited, vars...),
		unauthorized: c.truth("answers.unauthorized", a.Unauthorized, vars...),
		moved:        c.truth("answers.moved", a.Moved, vars...),
		gone:         c.truth("answers.gone", a.Gone, vars...),
		refused:      c.truth("answers.refused", a.Refused, vars...),
		words:        c.expr("answers.words", a.Words, vars...),
		pause:        a.Pause,
	}
	if a.RateLimited+a.Unauthorized+a.Moved+a.Gone+a.Refused+a.Words == "" && a.Pause == 0 {
		c.fault("answers", "says nothing", `write what an answer means, such as refused: "body.success == false", or remove it`)
	}
	switch {
	case a.Pause != 0 && a.RateLimited == "":
		c.fault("answers.pause", "is given, and there is no rate_limited", "write which answers mean that a limit is reached, or remove pause")
	case a.Pause < 0 || a.Pause > 0 && a.Pause < time.Second || a.Pause > maxPause:
		c.fault("answers.pause", "is not between 1s and 1h", "write a duration such as 15m; after an hour the tool is asked again in any case")
	}
	if a.Words != "" && a.Refused == "" {
		c.fault("answers.words", "is given, and there is no refused", "write which answers refuse a request, or remove words")
	}
}

// truth compiles an optional expression that must be true or false.
func (c *compiler) truth(path, text string, vars ...string) *expression {
	e := c.expr(path, text, vars...)
	if e != nil && !e.mayBeTruth() {
		c.fault(path, "gives a value that is neither true nor false", "compare it with something, such as body.success == false")
	}
	return e
}

// mayBeTruth reports whether the result can be true or false, as far as can be
// told without an answer.
func (e *expression) mayBeTruth() bool {
	switch e.result.Kind() {
	case types.BoolKind, types.DynKind, types.AnyKind, types.OpaqueKind: // an optional is opaque
		return true
	}
	return false
}

// judge returns what reads one answer by the file's words before its status is
// read; byID says that the call is about one record, which can be gone. values
// are what the call was made with.
//
// The first that is true counts, in this order: a limit says nothing about the
// customer, a credential nothing about the record, and only then may a link end.
func (a *api) judge(values map[string]string, byID bool) func(rest.Answer) *connector.Failure {
	m := a.answers
	if m == nil {
		return nil
	}
	return func(answer rest.Answer) *connector.Failure {
		vars := map[string]any{varCode: int64(answer.Status), varHeaders: headersOf(answer.Header), varBody: nil}
		body, err := strictjson.DecodeVariants(answer.Body)
		isJSON := err == nil
		if isJSON {
			vars[varBody] = body
		}
		// A page comes from a gateway or a form to sign in: it knows no record.
		page := rest.Response{Header: answer.Header, Body: answer.Body}.HTML()
		for _, one := range []struct {
			when   *expression
			asked  bool
			kind   connector.FailureKind
			detail string
		}{
			{m.rateLimited, true, connector.RateLimited, "the tool's limit is reached"},
			{m.unauthorized, true, connector.Unauthorized, "the tool does not accept the credentials"},
			{m.moved, answer.Write && !page, connector.Moved, "the record changed between reading and writing"},
			{m.gone, byID && !page, connector.Gone, "the tool has no such record"},
			{m.refused, !page, connector.Refused, "the tool refused the request"},
		} {
			if one.when == nil || !one.asked {
				continue
			}
			is, err := one.when.truth(vars)
			if err != nil {
				// Where the answer is a failure anyway, or no JSON, its status says enough.
				if answer.Failure == nil && isJSON {
					return &connector.Failure{Kind: connector.Misconfigured, Effect: answer.Effect(), Status: answer.Status,
						Detail: "the tool's answer does not fit the configuration: " + err.Error(), Err: err}
				}
				continue
			}
			if !is {
				continue
			}
			f := &connector.Failure{Kind: one.kind, Effect: connector.EffectNone, Status: answer.Status, Detail: one.detail}
			if answer.Failure != nil { // a 500 may have had its effect, whatever it says
				f.Effect = answer.Failure.Effect
			}
			if one.kind == connector.RateLimited {
				if f.RetryAfter = rest.RetryAfter(answer.Header.Get("Retry-After"), a.now()); f.RetryAfter == 0 {
					f.RetryAfter = m.pause
				}
			}
			if one.kind == connector.Refused {
				a.quote(f, vars, values)
			}
			return f
		}
		if answer.Failure == nil && answer.Write && !isJSON && looksLikeJSON(answer.Body) {
			// It may say no: none of the expressions could read it.
			return &connector.Failure{Kind: connector.Transient, Effect: answer.Effect(), Status: answer.Status,
				Detail: "the answer to the write cannot be read: " + err.Error(), Err: err}
		}
		return answer.Failure
	}
}

// quote adds the tool's own words to a refusal: as a code where they are one
// machine word, and otherwise as far as they name nobody.
func (a *api) quote(f *connector.Failure, vars map[string]any, values map[string]string) {
	text, ok, err := a.answers.words.speech(vars)
	if err != nil || !ok {
		return
	}
	if said := spoken(text, values, a.secrets); said != "" {
		f.Detail += ": " + said
	}
}

// speech evaluates to a text of any length, "" when there is none.
func (e *expression) speech(vars map[string]any) (string, bool, error) {
	v, err := e.eval(vars)
	if err != nil {
		return "", false, err
	}
	text, ok := v.(string)
	return strings.TrimSpace(text), ok && strings.TrimSpace(text) != "", nil
}

// secretsOf are what a tool must not be quoted with.
func (s *Settings) secretsOf() (all []string) {
	for _, c := range s.Credentials() {
		all = append(all, c.Secret.Reveal())
	}
	return all
}
