package httpconn

func (c *compiler) webhook() {
	w := c.s.Webhook
	if w == nil {
		return
	}
	c.verify(&w.Verify)
	at := []string{varBody, varHeaders, varEvent}
	if !c.out.hasRead {
		at = append(at, varRecord)
	}
	c.out.events = c.expr("webhook.events", w.Events, varHeaders, varBody)
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
