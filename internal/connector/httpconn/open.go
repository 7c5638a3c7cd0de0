package httpconn

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
)

// Open returns the connection. It makes no call.
func Open(name string, common config.Connection, s *Settings, deps connector.Deps) (connector.Connection, error) {
	var first error
	c := s.compile(common, func(path, problem, remedy string) {
		if first == nil {
			first = fmt.Errorf("open connection %s: %s %s; %s", name, path, problem, remedy)
		}
	})
	base, err := url.Parse(common.BaseURL)
	if first == nil && (err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https") {
		first = fmt.Errorf("open connection %s: base_url is not an http address", name)
	}
	if first != nil {
		return connector.Connection{}, first
	}
	s.sided(deps.Use.Target, func(problem, remedy string) {
		first = fmt.Errorf("open connection %s: it %s; %s", name, problem, remedy)
	})
	if first != nil {
		return connector.Connection{}, first
	}
	now := deps.Now
	if now == nil {
		now = time.Now
	}
	c.understood(deps.Use)
	api := &api{compiled: c, now: now, use: deps.Use, rest: &rest.Client{Base: base, HTTP: deps.HTTP, Timeout: common.Timeout,
		Gate: deps.Gate, Now: now, Authorize: s.dress}}

	if s.KeepsTokens() {
		calls := &rest.Client{HTTP: deps.HTTP, Timeout: common.Timeout, Gate: deps.Gate, Now: now}
		if api.grants, err = newGrants(s.Auth.OAuth2, calls, deps, now); err != nil {
			return connector.Connection{}, fmt.Errorf("open connection %s: %w", name, err)
		}
	}

	conn := connector.Connection{Name: name, Type: Type, Knows: s.knows(), Probe: probe{api}}
	if c.hasWebhook {
		conn.Receiver = receiver{c}
	}
	if c.hasRead {
		conn.Source = source{api}
		if c.fold != nil {
			conn.Source, conn.Precedence = folded{api}, s.Fold.Precedence
		}
		if c.find != nil {
			conn.SourceFind = sourceFind{api}
		}
	} else if c.hasWebhook || c.hasList {
		conn.EventSource = eventSource{c}
	}
	if c.hasRead && c.write != nil {
		conn.Target = target{api}
		if c.write.add != nil {
			conn.Target = inSteps{target{api}}
		}
	}
	if c.optionsGet != nil {
		api.legal = connector.Remember(now, api.readOptions)
		conn.Options = options{api}
	}
	if c.hasList {
		conn.SourceList, conn.TargetList = sourceList{api}, targetList{api}
	}
	if c.hasList && c.fold != nil {
		conn.SourceList, conn.TargetList = foldedList{api}, nil
	}
	if c.hasList && c.record.updatedAt != nil {
		conn.Changes = changes{api}
	}
	return conn, nil
}

// authorize adds the credentials to a call.
func (a *Auth) authorize(r *http.Request) {
	switch {
	case a == nil:
	case a.Bearer != "":
		r.Header.Set("Authorization", "Bearer "+a.Bearer.Reveal())
	case a.Header != nil:
		r.Header.Set(a.Header.Name, a.Header.Value.Reveal())
	case a.Basic != nil:
		r.SetBasicAuth(a.Basic.User.Reveal(), a.Basic.Password.Reveal())
	}
}

// knows is what this description of a tool lets us tell.
func (s *Settings) knows() connector.Knowledge {
	return connector.Knowledge{
		Order:            s.Record.UpdatedAt != "" || s.Record.StatusAt != "" || s.Webhook != nil && s.Webhook.OccurredAt != "",
		Actor:            s.Humans != "",
		FieldTime:        s.Record.StatusAt != "",
		ConditionalWrite: s.Write.conditional(),
		OptionList:       s.readsOptions(),
		Unverified:       s.Write.unverified(),
	}
}

// CanList implements config.HasList.
func (s *Settings) CanList(bool) bool { return s.List != nil }

// CheckSide implements config.HasSides.
func (s *Settings) CheckSide(c *config.Checker, side config.Side) {
	s.sided(side.Target, func(problem, remedy string) { c.Fault("connection", problem, remedy) })
}

// sided refuses a description on the side of a sync that it cannot be.
func (s *Settings) sided(target bool, fault func(problem, remedy string)) {
	switch {
	case target && s.Fold != nil:
		fault("has several rows a customer (fold), which cannot be written", "use a connection without fold as the target")
	case target && (s.Read == nil || s.Write == nil):
		fault("is a target and cannot be read and written", "add read and write to the connection; docs/connectors/http.md has a sample")
	}
}

// Account implements config.HasAccount: the address of one record, without
// what is spelt differently for the same place. A connection that only
// receives has no such address, and its account cannot be told.
func (s *Settings) Account(common config.Connection) string {
	return s.recordAddress(common, func(text string) string { return text })
}

// Identity implements config.HasIdentity: the address of one record. A
// connection that only receives has the address that it was given, if any.
func (s *Settings) Identity(common config.Connection, written func(string) string) (key, shown string) {
	if key = s.recordAddress(common, written); key == "" {
		key = config.Address(common.BaseURL)
	}
	return key, common.ShownAddress(written)
}

func (s *Settings) recordAddress(common config.Connection, written func(string) string) string {
	path := ""
	switch {
	case s.Read != nil:
		path = s.Read.Get
	case s.Write != nil:
		_, path, _, _ = s.Write.request()
	case s.Find != nil && s.Find.Get != "":
		path = s.Find.Get
	case s.List != nil:
		path = s.List.path()
	default:
		return ""
	}
	base := config.Address(common.BaseURL)
	if base == "" {
		return ""
	}
	host, prefix, _ := strings.Cut(base, "/")
	path, _, _ = strings.Cut(written(path), "?")
	return host + "/" + strings.Trim(prefix+path, "/")
}
