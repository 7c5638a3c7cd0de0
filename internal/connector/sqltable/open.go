package sqltable

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/dialguard"
)

const defaultTimeout = 10 * time.Second

// Open returns the connection. It makes no call.
func Open(name string, common config.Connection, s *Settings, deps connector.Deps) (connector.Connection, error) {
	c, err := newClient(name, common, s, deps)
	if err != nil {
		return connector.Connection{}, err
	}
	conn := connector.Connection{
		Name: name, Type: Type, Knows: s.knows(), Close: c.close,
		Source: source{c}, SourceList: sourceList{c},
		Target: target{c}, TargetList: targetList{c},
		Probe: probe{c},
	}
	conn.Values, _ = textsOf(s.Options)
	switch {
	case s.ChangeTable != "":
		conn.Changes = changeTable{c}
	case s.UpdatedAt != "":
		conn.Changes = changes{c}
	}
	if s.Options == optionsRead {
		conn.Options = options{c}
	}
	return conn, nil
}

func newClient(name string, common config.Connection, s *Settings, deps connector.Deps) (*client, error) {
	var first error
	s.Check(config.NewChecker(func(path, problem, remedy string) {
		if first == nil {
			first = fmt.Errorf("open connection %s: %s %s; %s", name, path, problem, remedy)
		}
	}), common)
	if first != nil {
		return nil, first
	}
	c := &client{Settings: s, name: name, timeout: common.Timeout, gate: deps.Gate, now: deps.Now, use: deps.Use}
	c.at, _ = s.parseDSN()
	c.columns, _ = s.ids()
	c.zones, _ = s.zone()
	c.dialect = pgDialect{}
	if c.at.engine == mysql {
		c.dialect = myDialect{}
	}
	if c.timeout == 0 {
		c.timeout = defaultTimeout
	}
	if c.now == nil {
		c.now = time.Now
	}
	dial := dialguard.Dial(name, common.AlsoAllow)
	c.dial = func(ctx context.Context, _, address string) (net.Conn, error) { return dial(ctx, "tcp", address) }
	c.shapes = connector.Remember(c.now, c.readShape)
	return c, nil
}

// knows is what these columns let us tell.
func (s *Settings) knows() connector.Knowledge {
	list, _ := textsOf(s.Options)
	return connector.Knowledge{
		Order:            s.UpdatedAt != "" || s.StatusAt != "" || s.ChangeTable != "",
		Actor:            s.UpdatedBy != "" || s.StatusBy != "",
		FieldTime:        s.StatusAt != "",
		ConditionalWrite: true,
		OptionList:       list != nil || s.Options == optionsRead,
		DeleteNotice:     s.ChangeTable != "" || s.DeletedAt != "" && s.UpdatedAt != "",
	}
}
