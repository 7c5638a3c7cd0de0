// Package config reads trueup.yaml: it decodes the file strictly, fills in
// the defaults, checks everything that can be checked without calling a tool,
// and reports every fault of the file at once, each with its line and what to
// write instead.
//
// Main types: Config (a whole, valid file), Connection and Sync (its parts),
// Settings and Types (how a connector declares its own keys), Checker (how it
// reports faults in them), Secret (a credential that never prints) and Faults.
//
// Invariants:
//
//  1. Load and Parse return either a Config in which nothing needs checking
//     again, or Faults. There is no half-valid Config.
//  2. No fault quotes a Secret, or anything that came out of the environment or
//     of a _file: a value that was written as ${NAME} is shown as ${NAME}.
//  3. What the environment puts into the file is text. It is never read as
//     YAML, so it cannot add a key or change a type.
//  4. The syncs of a Config form no circle.
//
// The path of a fault has dots between keys and list items as match[0]:
// syncs.customer-status.match[0].target.
//
// ChangeFile writes a changed file in place of one that nobody has changed meanwhile.
//
// It may import internal/status and internal/identity and nothing else of ours: connectors import
// this package, not the other way round.
package config
