// Package blueprint writes Make scenarios for a sync, as files that Make
// imports, and a page that tells how.
//
// Main types: Blueprint (one scenario as Make exports and imports it) and File.
// Export makes the files of a sync from the configuration.
//
// Invariants, by the number that a line names where it keeps one:
//
//  1. No secret of the configuration stands in a file: neither a key nor the
//     address of a webhook. Make asks for them at import, or a placeholder does.
//  2. Every module that can fail has an error handler, because Make switches a
//     scenario with an instant trigger off at the first error nobody handles.
//  3. Nothing is pasted into JSON but numbers, base64, and what Trueup itself
//     sends to be pasted.
//  4. A request that waited in Make's queue past its time writes nothing.
//  5. A tool that decides is never written to: a scenario gets a write route
//     only when a sync has its connection as target.
//
// It must not import the store or the pipeline.
package blueprint
