// Package blueprint writes Make scenarios for a sync, as files that Make
// imports, and a page with instructions.
//
// Main types: Blueprint (one scenario as Make exports and imports it) and File.
// Export makes the files of a sync from the configuration.
//
// Invariants, by the number that a line names where it keeps one:
//
//  1. No file contains a secret of the configuration: neither a key nor the
//     address of a webhook. Make asks for them at import, or there is a
//     placeholder.
//  2. Every module that can fail has an error handler, because Make deactivates
//     a scenario with an instant trigger at the first unhandled error.
//  3. Only numbers, base64, and values that Trueup prepared are pasted into
//     JSON.
//  4. A request that expired in Make's queue writes nothing.
//  5. A source is never written to: a scenario gets a write route only when its
//     connection is the target of a sync.
//
// It must not import the store or the pipeline.
package blueprint
