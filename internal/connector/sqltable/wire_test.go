package sqltable

import (
	"context"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/connectortest"
	"github.com/trueup-sync/trueup/internal/status"
)

func TestContract(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		s.UpdatedBy, s.Writer, s.ChangeTable = "updated_by", "sesame-writer", w.schema+".changed"
		role := w.role(s, true)
		polled := *s
		polled.ChangeTable = ""
		opens := func(s *Settings) func(*testing.T, string, connector.Deps) connector.Connection {
			return func(t *testing.T, address string, deps connector.Deps) connector.Connection {
				own := *s
				own.DSN = w.dsn(role, address)
				deps.Use = connector.Use{Target: true, Values: []string{"Active", "Paused", "Churned"}}
				c, err := Open("crm", config.Connection{Name: "crm", Type: Type, Timeout: 10 * time.Second}, &own, deps)
				if err != nil {
					t.Fatal(err)
				}
				return c
			}
		}
		secrets := []string{"choose-a-password", "ana@example.com", "Active", "Churned", "sesame"}
		_, past := w.poll(w.openAs(w.at(&polled, role), false), "")
		connectortest.RunWire(w.T, connectortest.Wire{Tool: w.host, Open: opens(&polled), Secrets: secrets,
			Reads: []connectortest.WireCall{
				{Name: "read a source", Do: func(ctx context.Context, c connector.Connection) (any, error) { return c.Source.Read(ctx, "1") }},
				{Name: "read a target", Do: func(ctx context.Context, c connector.Connection) (any, error) { return c.Target.Read(ctx, "1") }},
				{Name: "find", Do: func(ctx context.Context, c connector.Connection) (any, error) {
					return c.Target.Find(ctx, "email", "ana@example.com")
				}},
				{Name: "list", Do: func(ctx context.Context, c connector.Connection) (any, error) {
					page, _, err := c.TargetList.List(ctx, "")
					return page, err
				}},
				{Name: "changes", Do: func(ctx context.Context, c connector.Connection) (any, error) {
					events, _, _, err := c.Changes.Since(ctx, past)
					return events, err
				}},
				{Name: "probe", Do: func(ctx context.Context, c connector.Connection) (any, error) {
					_, err := c.Probe.Probe(ctx)
					return nil, err
				}},
			},
			Writes: []connectortest.WireWrite{{Name: "write",
				Reset: func(*testing.T) { w.exec("update customers set status = 'Active' where id = 1") },
				Do: func(ctx context.Context, c connector.Connection) (any, error) {
					return c.Target.Write(ctx, status.TargetRecord{ID: "1", Value: "Active"}, "Churned")
				},
				Done: func(*testing.T) bool { return w.value("select status from customers where id = 1") == "Churned" },
			}}})
		connectortest.RunWire(w.T, connectortest.Wire{Tool: w.host, Open: opens(s), Secrets: secrets,
			Reads: []connectortest.WireCall{{Name: "changes of a change table", Do: func(ctx context.Context, c connector.Connection) (any, error) {
				events, _, _, err := c.Changes.Since(ctx, takenMark+`{"rows":["999999"],"newest":"2020-01-01 00:00:00.000000"}`)
				return events, err
			}}}})
	})
}

// at is the settings with the dsn of a role.
func (w *world) at(s *Settings, role string) *Settings {
	own := *s
	own.DSN = w.dsn(role, w.host)
	return &own
}
