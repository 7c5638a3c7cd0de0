package httpconn

import (
	"maps"
	"slices"
)

func (c *compiler) webhook() {
	w := c.s.Webhook
	if w == nil {
		return
	}
	c.verify(&w.Verify)
	c.handshake(w.Handshake)
	if c.out.ping = w.Ping; w.Ping {
		c.pings(w)
		return
	}
	at := []string{varBody, varHeaders, varEvent}
	if !c.out.hasRead {
		at = append(at, varRecord)
	}
	c.out.events = c.expr("webhook.events", w.Events, varHeaders, varBody)
	c.out.when = c.expr("webhook.when", w.When, at...)
	c.out.eventID = c.expr("webhook.id", w.ID, at...)
	c.out.customer = c.expr("webhook.customer", w.Customer, at...)
	c.out.status = c.expr("webhook.status", w.Status, at...)
	c.out.occurred = c.expr("webhook.occurred_at", w.OccurredAt, at...)
	c.out.changed = c.expr("webhook.changed", w.Changed, at...)
	c.require(w.Customer != "", "webhook.customer", "write where an event has the customer's id, such as event.customer_id")
	c.require(w.ID != "" || c.out.standard, "webhook.id",
		"write where an event has its own id, such as event.id: it identifies a repeat")
	if !c.out.hasRead && w.Status == "" && c.s.Record.Status == "" {
		c.fault("webhook.status", "is missing, and there is no read to ask for the status",
			"write where an event has the status, such as event.status, or add read")
	}
}

// pings checks a webhook that only says that something changed.
func (c *compiler) pings(w *Webhook) {
	given := map[string]bool{"events": w.Events != "", "when": w.When != "", "id": w.ID != "", "customer": w.Customer != "", "status": w.Status != "",
		"occurred_at": w.OccurredAt != "", "changed": w.Changed != ""}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if given[key] {
			c.fault("webhook."+key, "is given, and ping is true", "remove it: a ping has no event inside; or remove ping")
		}
	}
	if !c.out.hasList || c.s.Record.UpdatedAt == "" {
		c.fault("webhook.ping", "is true, and there is no list of changes to ask for", "add list and record.updated_at, or remove ping")
	}
}
