package config

// Settings is the part of a connection that belongs to its connector. The
// connector declares a struct with yaml tags; this package decodes it strictly
// and then calls Check.
type Settings interface {
	// Check reports every fault of the settings; common holds the fields any
	// connection has.
	Check(c *Checker, common Connection)
}

// Types maps a connection's type to its empty settings (a pointer to a
// struct). It is the registry's view of the connectors.
type Types map[string]func() Settings

// Checker collects faults at paths relative to one connection.
type Checker struct {
	prefix string
	report func(path, problem, remedy string)
}

// Fault reports that what stands at path (dots between keys, "" for the whole
// connection, list items as secrets[0]) is wrong, and what to write instead.
// Neither text may quote a secret.
func (c *Checker) Fault(path, problem, remedy string) {
	full := c.prefix
	if path != "" {
		full += "." + path
	}
	c.report(full, problem, remedy)
}

// NewChecker returns a Checker for tests of a connector's Check.
func NewChecker(report func(path, problem, remedy string)) *Checker {
	return &Checker{prefix: "connection", report: report}
}
