// Package makecom is the connection of type make: a tool that only a Make
// scenario reaches. Trueup asks the scenario's custom webhook to find, read and
// write, and the scenario sends Trueup the tool's events.
//
// Main types: Settings (the keys of the file), Open (the connection), request
// (what a scenario is asked) and answer (what it says). The two are a contract
// between Trueup and the scenario; docs/connectors/make.md is its text, and the
// scenarios that trueup export make writes keep it.
//
// Invariants: Make answers 200 before it has done anything, so nothing is taken
// for true but an answer that repeats the request's own id; every request says
// until when it may be carried out, so that one which waited in Make's queue is
// dead when the scenario is switched on again; what Make itself answers is about
// the connection and never about a customer; a text that a scenario pastes into
// JSON may come in base64, because Make escapes nothing.
//
// It must not import the store, the pipeline or another connector.
package makecom
