// Package demo is `trueup demo`: two sample tools on loopback, Trueup between
// them, and a scripted stream of changes that holds every awkward case the
// product is made for.
//
// Main types: Options and Run (the whole demonstration); Service (what it needs
// of Trueup) and Snapshot (Trueup's own account of its work); billing (the
// sample tool that decides), crm (the one that follows), step (one line of the
// script), report (the table at the end).
//
// Invariants:
//
//  1. Trueup gets at the sample tools over HTTP only, through the configuration
//     that configText writes, as it would get at anybody's tools.
//  2. The script is a function of its seed alone: the same seed gives the same
//     customers, steps and words.
//  3. What the final table says about agreement, writes and repeats is counted
//     in the two sample tools. Only outcomes and exceptions are Trueup's word.
//  4. Everybody in it is invented, which is why names may be printed here.
//
// It must not import the store, the pipeline, a connector or internal/app: the
// command joins them through Options.Start.
package demo
