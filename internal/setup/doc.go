// Package setup makes the trueup.yaml of an empty installation, in a browser or at a
// terminal, step by step: which
// tool decides, a token for each, what values mean, how customers are matched, and
// where events are sent.
//
// Main types: Setup (one set-up under way), Draft (what a person has said so far,
// kept beside the file to be), Line (a line of that file), Seen (what a look at a tool
// found), Survey (the values that a tool holds) and MatchTest (what the match rules
// find).
//
// Invariants: it only reads from tools; a secret goes into a file of its own that
// only its owner can read, and neither into the draft nor into trueup.yaml; nothing
// that exists is written over but the draft and the secrets of this set-up; what is
// written as trueup.yaml is what trueup check accepts, but where a person has asked to
// fill in the rest by hand (SetToolSoFar, Put). Records of customers stay in memory.
//
// It must not import the store, the pipeline or the pages.
package setup
