// Package interpreter runs Make blueprints for tests: as much of Make as the
// scenarios of package blueprint use, and strictly. What it does not know fails.
//
// Main types: Account (the scenarios of one Make account, and a server for
// their webhooks), Scenario (one imported blueprint, with switches to misbehave)
// and Check (the structure of a blueprint file).
//
// Invariants: it reads blueprint files and shares no type with the package that
// writes them; a value that passes through is pasted as it is and is never read
// as a formula again; a function that is given nothing fails, so that a scenario
// may rely on no kindness of Make's; a scenario with an instant trigger is
// switched off by the first error that no handler takes.
//
// How far it is like Make rests on Make's published help and on exported
// blueprints; no account was asked. Only tests import it.
package interpreter
