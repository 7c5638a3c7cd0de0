// Package bench is `trueup bench`: it measures Trueup on this machine, each figure beside
// its floor, which is the least that any program must spend on the same, in the same run.
//
// Main types: Options and Run (all of it), Report and Row (what was measured), size (how
// much of it), tools (two sample tools with a REST API, in memory), program (Trueup, or the
// bare program, as a process of its own), engine (where a database is made, and dropped).
// Each measurement is a file: accept.go, carry.go, burst.go, sweep.go, nodes.go, start.go, growth.go.
//
// Invariants:
//
//  1. Trueup is the program that people run: a process of its own, reached over HTTP only,
//     with a trueup.yaml. Only growth asks the store itself, which is what grows.
//  2. A floor runs right after what it is compared with, with the same senders, bodies and
//     tools, so that a machine that is busy slows both: compare ratios, not figures.
//  3. The bare program (bare.go) is a process too. It checks the signature, and where the
//     comparison says so makes the same three calls; it stores nothing.
//  4. Nothing of the user's is touched: each measurement has a database of its own.
//
// The sample tools are not those of the demonstration, which keep a journal of all that
// happens for people to see: they would be the slowest part of what is measured.
//
// It must not import internal/app or a connector.
package bench
