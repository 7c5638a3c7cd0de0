package blueprint

// secretPlaceholder marks where a person pastes the signing secret: Make has no
// storage for secrets that a formula can use (invariant 1).
const secretPlaceholder = "PASTE THE SIGNING SECRET WITHOUT whsec_"

// How often Make retries a failed request, and how many minutes apart.
const (
	retries     = "5"
	retryPauses = "15"
)

// events is the scenario that sends the tool's events to Trueup.
func events(p plan) Blueprint {
	b := &builder{}
	trigger := b.trigger(0, "REPLACE with the tool's own trigger, or send its events here")
	given := []variable{
		{"event_id", "{{ifempty(" + pill(trigger.ID, "event_id") + "; executionId)}}"},
		{"customer", orEmpty(pill(trigger.ID, "customer"))},
		{"status", orEmpty(pill(trigger.ID, p.Field))},
		{"changed_at", orEmpty(pill(trigger.ID, "changed_at"))},
	}
	names := keyVariables(p.Keys)
	for i, key := range p.Keys {
		given = append(given, variable{names[i], orEmpty(pill(trigger.ID, key))})
	}
	fields := b.keep(b.variables(1, 0, "MAP the tool's fields", given...))
	var members []string
	for _, v := range given[:len(given)-len(p.Keys)] {
		members = append(members, coded(v.name, pill(fields.ID, v.name)))
	}
	text := object(append(members, keysOf(fields.ID, p.Keys)...)...)
	body := b.keep(b.variables(2, 0, "The event as JSON",
		variable{"id", "msg_{{executionId}}"}, variable{"time", "{{timestamp}}"}, variable{"body", text}))
	flow := []Module{trigger, fields, body}
	send := func(column int) Module {
		m := b.request(column, 0, "Send to Trueup", "post", p.HookURL).withJSON("{{" + pill(body.ID, "body") + "}}")
		// Trueup answers 2xx only after the event is stored.
		m.Mapper["stopOnHttpError"] = true
		return m
	}
	var last Module
	if p.Header != "" {
		last = send(3)
		last.Parameters["authenticationType"], last.Parameters["proxyKeychain"] = "apiKey", ""
	} else {
		signed := b.keep(b.variables(3, 0, "Text to sign", variable{"text",
			"{{" + pill(body.ID, "id") + "}}.{{" + pill(body.ID, "time") + "}}.{{" + pill(body.ID, "body") + "}}"}))
		flow = append(flow, signed)
		last = send(4)
		last = last.withHeaders(
			header("webhook-id", "{{"+pill(body.ID, "id")+"}}"),
			header("webhook-timestamp", "{{"+pill(body.ID, "time")+"}}"),
			header("webhook-signature", `v1,{{sha256(`+pill(signed.ID, "text")+`; "base64"; "`+secretPlaceholder+`"; "base64")}}`))
	}
	return scenarioOf("Trueup: events of "+p.Connection, true, append(flow, b.keep(last)))
}

// keep gives a module a handler that stores the failed execution and retries
// it, so that no event is lost (invariant 2).
func (b *builder) keep(m Module) Module {
	at := m.Metadata.Designer
	handler := b.module("builtin:Break", 1, at.X/stepX, at.Y/stepY+1, "")
	handler.Mapper = map[string]any{"retry": true, "count": retries, "interval": retryPauses}
	m.OnError = []Module{handler}
	return m
}

func header(name, value string) any { return map[string]any{"name": name, "value": value} }

// keyVariables are the names of the variables that hold the keys.
func keyVariables(keys []string) []string {
	names := make([]string, len(keys))
	for i, key := range keys {
		name := []byte("key_" + key)
		for j, c := range name {
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
				name[j] = '_'
			}
		}
		names[i] = string(name)
		for j := range i {
			if names[j] == names[i] {
				names[i] += "_"
			}
		}
	}
	return names
}

// keysOf is the object's member "keys", or nothing when there are no keys.
func keysOf(module int, keys []string) []string {
	if len(keys) == 0 {
		return nil
	}
	members := make([]string, len(keys))
	for i, name := range keyVariables(keys) {
		members[i] = coded(keys[i], pill(module, name))
	}
	return []string{`"keys":` + object(members...)}
}
