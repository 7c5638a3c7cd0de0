// Package interpreter runs Make blueprints for tests: as much of Make as the
// scenarios of package blueprint use, strictly. Anything that it does not know
// is an error.
//
// Main types: Account (the scenarios of one Make account, and a server for
// their webhooks), Scenario (one imported blueprint, with switches to
// misbehave) and Check (validates a blueprint file).
//
// Invariants: it reads blueprint files and shares no type with the package that
// writes them; a value is pasted as it is and is never read as a formula again;
// a function without arguments fails, so that no scenario depends on Make's
// tolerance; the first unhandled error deactivates a scenario with an instant
// trigger.
//
// Its likeness to Make is based on Make's published help and on exported
// blueprints; it was not compared with a real account. Only tests import it.
package interpreter
