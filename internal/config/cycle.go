package config

import (
	"maps"
	"slices"
	"strings"
)

// HasAccount is an optional ability of Settings: to say which account of the
// tool a connection reaches, so that two connections to one account are seen
// to be one place.
type HasAccount interface {
	// Account returns the account's key, such as a location's or a portal's
	// id, or "" when it cannot be told without a call. It is called on
	// settings without a fault only.
	Account(common Connection) string
}

// flow is a sync as an edge between fields of two accounts.
type flow struct {
	Sync
	from, to string // accounts
}

// findCircles reports every sync that carries a status back to where it came
// from, alone or through others: such a status would chase itself for ever.
func findCircles(r *report, c *Config) {
	accounts := accountsOf(r, c)
	var flows []flow
	for _, name := range slices.Sorted(maps.Keys(c.Syncs)) {
		s := c.Syncs[name]
		from, ok := accounts[s.Source.Connection]
		to, ok2 := accounts[s.Target.Connection]
		if ok && ok2 {
			flows = append(flows, flow{s, from, to})
		}
	}
	named := map[string]bool{}
	for _, f := range flows {
		if named[f.Name] {
			continue
		}
		circle := shortestCircle(f, flows)
		if len(circle) == 0 {
			continue
		}
		var names []string
		for _, part := range circle {
			named[part.Name] = true
			names = append(names, part.Name)
		}
		if len(circle) == 1 && f.Source.Connection == f.Target.Connection {
			continue // the sync's own fault: its target is its source
		}
		word := "syncs "
		if len(names) == 1 {
			word = "sync "
		}
		r.invalid(join("syncs", f.Name), "the syncs form a circle: "+drawCircle(r, circle)+" ("+word+strings.Join(names, ", ")+")",
			"remove a sync: a status flows one way, from the tool that decides it")
	}
}

// accountsOf names the account each connection reaches. Keys are compared
// without case and outer slashes: to refuse two accounts that differ in nothing
// else is harmless, to miss a circle is not.
func accountsOf(r *report, c *Config) map[string]string {
	accounts := map[string]string{}
	for name, conn := range c.Connections {
		accounts[name] = "connection\x00" + name
		s, ok := conn.Settings.(HasAccount)
		if !ok || r.has(join("connections", name)) {
			continue
		}
		if key := strings.ToLower(strings.Trim(s.Account(conn), " /")); key != "" {
			accounts[name] = conn.Type + "\x00" + key
		}
	}
	return accounts
}

// overlap reports whether two fields of one account may be the same. "" is
// whatever field the connection itself is about.
func overlap(a, b string) bool { return a == b || a == "" || b == "" }

// feeds reports whether what a writes is what b reads.
func feeds(a, b flow) bool { return a.to == b.from && overlap(a.Target.Field, b.Source.Field) }

// shortestCircle returns the syncs of the shortest way from start back to it.
func shortestCircle(start flow, flows []flow) []flow {
	seen := map[string]bool{start.Name: true}
	for paths := [][]flow{{start}}; len(paths) > 0; paths = paths[1:] {
		path := paths[0]
		last := path[len(path)-1]
		if feeds(last, start) {
			return path
		}
		for _, next := range flows {
			if !seen[next.Name] && feeds(last, next) {
				seen[next.Name] = true
				paths = append(paths, append(slices.Clone(path), next))
			}
		}
	}
	return nil
}

// drawCircle writes crm → billing → crm. Where the next sync reads the account
// through another connection, both are named; where a sync stays inside one
// connection, the fields are too.
func drawCircle(r *report, circle []flow) string {
	fields := slices.ContainsFunc(circle, func(f flow) bool { return f.from == f.to })
	source := func(f flow) string { return f.Source.Connection }
	target := func(f flow) string { return f.Target.Connection }
	if fields {
		source = func(f flow) string { return withField(r, f.Name+".source", f.Source.Connection, f.Source.Field) }
		target = func(f flow) string { return withField(r, f.Name+".target", f.Target.Connection, f.Target.Field) }
	}
	var b strings.Builder
	b.WriteString(source(circle[0]))
	for i, f := range circle {
		next := circle[(i+1)%len(circle)]
		b.WriteString(" → " + target(f))
		if f.Target.Connection != next.Source.Connection {
			b.WriteString(" = " + source(next))
		}
	}
	return b.String()
}

func withField(r *report, side, connection, field string) string {
	if field == "" {
		return connection
	}
	return connection + " " + r.show("syncs."+side+".field", field)
}
