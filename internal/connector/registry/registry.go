// Package registry is the one visible list of connection types. A new
// connector is one line here, and nothing registers itself.
//
// Main functions: Types (for the configuration) and Open.
//
// It must not import the store or the pipeline.
package registry

import (
	"fmt"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel"
	"github.com/trueup-sync/trueup/internal/connector/httpconn"
	"github.com/trueup-sync/trueup/internal/connector/makecom"
	"github.com/trueup-sync/trueup/internal/connector/sqltable"
	"github.com/trueup-sync/trueup/internal/connector/stripe"
)

// kind is one connection type: its empty settings and how it is opened.
type kind struct {
	settings func() config.Settings
	open     func(name string, common config.Connection, deps connector.Deps) (connector.Connection, error)
}

var kinds = map[string]kind{
	gohighlevel.Type: entry(gohighlevel.Open),
	httpconn.Type:    entry(httpconn.Open),
	makecom.Type:     entry(makecom.Open),
	sqltable.Type:    entry(sqltable.Open),
	stripe.Type:      entry(stripe.Open),
}

// entry makes a kind of a connector's Open, whose settings are of type S.
func entry[S any, P interface {
	*S
	config.Settings
}](open func(string, config.Connection, P, connector.Deps) (connector.Connection, error)) kind {
	return kind{
		settings: func() config.Settings { return P(new(S)) },
		open: func(name string, common config.Connection, deps connector.Deps) (connector.Connection, error) {
			settings, ok := common.Settings.(P)
			if !ok {
				return connector.Connection{}, fmt.Errorf("open connection %s: its settings are of another type than %s", name, common.Type)
			}
			return open(name, common, settings, deps)
		},
	}
}

// Types returns what the configuration needs to know about each type.
func Types() config.Types {
	types := config.Types{}
	for name, k := range kinds {
		types[name] = k.settings
	}
	return types
}

// Consent begins a connection's consent, for the types that need one.
func Consent(c config.Connection, deps connector.Deps) (connector.Consent, error) {
	switch s := c.Settings.(type) {
	case *gohighlevel.Settings:
		return gohighlevel.NewConsent(c, s, deps)
	case *httpconn.Settings:
		return httpconn.NewConsent(c, s, deps)
	}
	return nil, fmt.Errorf("connection %s is of type %s, which needs no consent", c.Name, c.Type)
}

// Open opens one connection of the configuration. It makes no call.
func Open(c config.Connection, deps connector.Deps) (connector.Connection, error) {
	k, ok := kinds[c.Type]
	if !ok {
		return connector.Connection{}, fmt.Errorf("open connection %s: no connection type %s", c.Name, c.Type)
	}
	return k.open(c.Name, c, deps)
}
