// Package store keeps everything Trueup must not forget, in SQLite or in
// PostgreSQL: events, customers with their three values, links, intents, the
// history of decisions, exceptions, and what the nodes share about connections.
//
// Main types: DB (an open database), NewEvent and Event, Work (a customer that
// was claimed), Settlement (all that one attempt changed), Link, Intent,
// Decision, Exception.
//
// Invariants, by the number that a line names where it keeps one:
//
//  1. What Receive, SaveLink, BeginWrite and Settle return without an error is
//     on disk: SQLite runs with WAL and synchronous=FULL, which Open asserts.
//  2. One event is one row for each sync, by a unique constraint. A repeat
//     changes nothing.
//  3. A customer is claimed by one worker at a time. Each claim has a higher
//     fence, and no report is taken from a fence that is not the latest or
//     whose lease is over, by the database's clock.
//  4. An event wakes its customer by raising the generation. A settlement ends
//     the work only when the generation is the one that was claimed.
//  5. Everything an attempt changed commits in one transaction.
//  6. A write is counted against its limits in the transaction that stores its
//     intent, and a sync's count is one node's at a time.
//
// Both engines run the same SQL text with $N parameters. Times are Unix
// milliseconds, 0 for "not known"; only slots of a rate limit are microseconds.
// What differs between the engines stands in dialect.go.
//
// It may import internal/status and internal/failpoint, and nothing else of ours.
package store
