// Package httpconn is the connection of type http: any tool with a REST API,
// described in the configuration by paths and CEL expressions instead of code.
//
// Main types: Settings (the keys of the file), Open (the connection) and, not
// exported, expression (one compiled CEL expression) and template (a path or a
// body with placeholders).
//
// Invariants: every expression is compiled once and its work is bounded; an
// expression that finds nothing and one that does not fit are told apart, so
// that a misspelt name is never read as an empty value where a value is needed;
// what stands in a foreign answer never reaches an error text; whatever goes
// into an address is escaped for its place, and whatever goes into a body is
// encoded as JSON; a record whose id is not the id that was asked for is
// refused.
//
// The folder is named http and the package httpconn, so that net/http keeps
// its name. It must not import the store, the pipeline or another connector.
package httpconn
