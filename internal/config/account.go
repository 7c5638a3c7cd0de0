package config

import "encoding/json"

// nameAccounts tells each side of a sync what the file says of its account: the
// tool, its address and the connection's own settings. What is compared or
// planned with one account is not gone on with when the connection's name stands
// for another. No secret is part of it, nor anything made of one: a setting that
// comes from the environment, which may be a key in the path of a call, counts as
// it is written in the file. An account that only its key names, or only the
// environment, cannot be told from another.
func (c *Config) nameAccounts(written map[string]string) {
	for name, s := range c.Syncs {
		s.Source.Account = c.Connections[s.Source.Connection].account(written)
		s.Target.Account = c.Connections[s.Target.Connection].account(written)
		s.Source.Kept = c.Connections[s.Source.Connection].kept(s.SourceSide())
		s.Target.Kept = c.Connections[s.Target.Connection].kept(s.TargetSide())
		s.Source.Identity = c.Connections[s.Source.Connection].identity(written)
		s.Target.Identity = c.Connections[s.Target.Connection].identity(written)
		c.Syncs[name] = s
	}
}

func (c Connection) account(written map[string]string) string {
	parts := []any{c.Type, c.BaseURL}
	// A Secret shows as redacted. YAML has numbers that JSON has not, which no
	// account is told by.
	if text, err := json.Marshal(c.Settings); err == nil {
		var settings any
		if json.Unmarshal(text, &settings) == nil {
			parts = append(parts, said(settings, written))
		}
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return c.BaseURL
	}
	return string(text)
}

// said leaves out secrets and what is not set, so that a secret more while two
// are rotated makes no other account.
func said(v any, written map[string]string) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if v[key] = said(value, written); v[key] == nil {
				delete(v, key)
			}
		}
		if len(v) > 0 {
			return v
		}
	case []any:
		var left []any
		for _, value := range v {
			if value = said(value, written); value != nil {
				left = append(left, value)
			}
		}
		if len(left) > 0 {
			return left
		}
	case string:
		switch w, fromOutside := written[v]; {
		case v == "" || v == redacted:
		case fromOutside:
			return w
		default:
			return v
		}
	default:
		return v
	}
	return nil
}
