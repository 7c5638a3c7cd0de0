package httpconn

import (
	"context"
	"fmt"
	"net/http"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// withRemedy adds to a refusal what to look for in the tool. Nobody knows it from
// the answer alone: what was asked for is the file's, and the account the tool's.
// call is the key of the file that was asked with.
func withRemedy(err error, call string) error {
	remedy := ""
	switch f := connector.FailureOf(err); {
	case f.Kind == connector.Unauthorized && f.Status == http.StatusForbidden:
		remedy = "give the token the permissions (scopes) that this call needs, in the tool, and check again"
	case f.Kind == connector.Unauthorized:
		remedy = "are the credentials complete, of the kind that auth sends, and of this account? A sandbox and a production account have their own"
	case f.Kind == connector.Refused:
		remedy = "does everything that the call names exist in this account? A renamed or hidden field is refused like this"
	case f.Kind == connector.Gone:
		remedy = "is base_url the address of this account, and is the path right?"
	}
	if remedy == "" {
		return err
	}
	return fmt.Errorf("%s: %w; %s", call, err, remedy)
}

// fieldsOptions asks for the options of the status's field, where the file says how.
func (p probe) fieldsOptions(ctx context.Context) (said string, err error) {
	if p.optionsGet == nil {
		return "", nil
	}
	words, err := p.legal.Get(ctx, 0)
	switch f := connector.FailureOf(err); {
	case err != nil && f.Kind == connector.Misconfigured:
		return "", fmt.Errorf("%w; was the field renamed, is it of another type, or is this another account? The field must have options to choose from", err)
	case err != nil:
		return "", withRemedy(err, "options")
	case len(words) == 0:
		return "", misconfigured(misfit{p.optionsValues.path, "the field has no options: is it a drop-down? A field of another type takes any text, or refuses all"})
	}
	return "the field of the status has " + status.Plural(len(words), "option"), nil
}

// lacksStatus reports whether a listed record does not even have the field, which
// is then not only empty.
func (p probe) lacksStatus(vars map[string]any, record any) bool {
	v, err := p.record.status.eval(p.withRecord(vars, record))
	missing, is := v.(absent)
	return err == nil && is && missing.noKey
}
