package httpconn

import (
	"fmt"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
)

func (c *compiler) auth() {
	a := c.s.Auth
	if a == nil {
		return
	}
	given := 0
	for _, is := range []bool{a.Bearer != "", a.Header != nil, a.Basic != nil, a.OAuth2 != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		c.fault("auth", fmt.Sprintf("has %d of bearer, header, basic and oauth2", given),
			"write exactly one: bearer: TOKEN, header: {name, value}, basic: {user, password} or oauth2: {token_url, client_id, client_secret, grant}")
	}
	c.secret("auth.bearer", a.Bearer)
	if h := a.Header; h != nil {
		c.headerName("auth.header.name", h.Name, "X-Api-Key")
		c.require(h.Value != "", "auth.header.value", "write the secret as ${NAME}, or value_file: PATH")
		c.secret("auth.header.value", h.Value)
	}
	if a.OAuth2 != nil {
		c.oauth2(a.OAuth2)
	}
	if b := a.Basic; b != nil {
		c.require(b.User != "", "auth.basic.user", "write the user; tools that want an API key often want it here")
		if strings.Contains(b.User.Reveal(), ":") {
			c.fault("auth.basic.user", "contains a colon, which ends the user in basic authentication", "write the part before the colon as user and the rest as password")
		}
		c.secret("auth.basic.user", b.User)
		c.secret("auth.basic.password", b.Password)
	}
}

// secret refuses what can stand in no header: mostly a line break at the end
// of a file.
func (c *compiler) secret(path string, s config.Secret) {
	if strings.ContainsFunc(s.Reveal(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
		c.fault(path, "contains a line break or another control character", "remove it: a header cannot contain it")
	}
}

func (c *compiler) headerName(path, name, example string) {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) {
		c.fault(path, "is not the name of a header", "write a name such as "+example)
	}
}
