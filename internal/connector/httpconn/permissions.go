package httpconn

import (
	"context"
	"fmt"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
)

// Permissions is a call with which a tool says what the credentials may do. Without
// it a missing right to write shows at the first write.
type Permissions struct {
	Get     string `yaml:"get" jsonschema_description:"The path of the call that says what the credentials may do."`
	Post    string `yaml:"post" jsonschema_description:"The path of a call that is asked with a body, instead of get."`
	Body    any    `yaml:"body" jsonschema_description:"The JSON body of post; {token} in its strings is auth.bearer."`
	Missing string `yaml:"missing" jsonschema_description:"The list of what is missing, in words for people, empty where nothing is (CEL)."`
}

// phToken is the secret of auth.bearer, for a tool that wants to be told which token
// it is asked about.
const phToken = "token" // #nosec G101 -- a placeholder's name, and no token

// permissions are a Permissions that have been found sound.
type permissions struct {
	call    asking
	missing *expression
}

func (c *compiler) permissions() {
	p := c.s.Permissions
	if p == nil {
		return
	}
	missing := c.expr("permissions.missing", p.Missing, varHeaders, varBody)
	c.require(p.Missing != "", "permissions.missing", "write the list of what is missing, such as \"['contacts.write'].filter(s, !(s in body.scopes))\"")
	call := c.reading("permissions", p.Get, p.Post, p.Body, "/me/permissions", phToken)
	if call == nil {
		return
	}
	if call.path.has(phToken) {
		c.fault(call.key, "has {token} in an address, which ends up in logs", "write it in body, or remove it")
	}
	if call.has(phToken) && (c.s.Auth == nil || c.s.Auth.Bearer == "") {
		c.fault("permissions.body", "has {token}, and there is no auth.bearer", "remove it")
	}
	c.out.permissions = &permissions{call: *call, missing: missing}
}

// granted asks what the credentials may do. That the tool does not say it stands in
// nobody's way.
func (p probe) granted(ctx context.Context) (said string, err error) {
	if p.permissions == nil {
		return "", nil
	}
	lacking, err := p.lacking(ctx)
	switch {
	case err != nil:
		return fmt.Sprintf("the tool did not say what the credentials may do: %v. A right that is missing shows at the first write", err), nil
	case len(lacking) > 0:
		return "", &connector.Failure{Kind: connector.Unauthorized, Effect: connector.EffectNone,
			Detail: "the credentials lack " + strings.Join(lacking, " and ") + "; grant this in the tool, and check again"}
	}
	return "the credentials have every permission that the file names", nil
}

func (p probe) lacking(ctx context.Context) (texts []string, err error) {
	values := map[string]string{}
	if a := p.auth; a != nil {
		values[phToken] = a.Bearer.Reveal()
	}
	answer, err := p.ask(ctx, p.permissions.call, values)
	if err != nil {
		return nil, err
	}
	vars, err := variables(answer)
	if err != nil {
		return nil, err
	}
	items, err := p.permissions.missing.list(vars)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		text, problem := canonical(item)
		if problem != "" {
			return nil, misfit{"permissions.missing", problem}
		}
		texts = append(texts, text)
	}
	return texts, nil
}
