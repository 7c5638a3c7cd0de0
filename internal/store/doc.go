// Package store keeps everything that Trueup must not forget, in SQLite or in
// PostgreSQL. The tables are described in migrations/sqlite/0001.sql.
//
// Main types, in ledger.go: NewEvent and Event, Work (a claimed customer), Link,
// Intent, Decision, Exception. DB is an open database (store.go), Settlement all
// that one attempt changed (settle.go).
//
// Every write is a job: a function that runs in a transaction, which it may share
// with the jobs of other callers (queue.go).
//
// Invariants. Where a line of code keeps one, it names the number:
//
//  1. What Receive, SaveLink, BeginWrite and Settle return without an error is
//     on disk: SQLite runs with WAL and synchronous=FULL, which Open checks.
//  2. One event is one row for each sync, by a unique constraint. A repeat
//     changes nothing.
//  3. A customer is claimed by one worker at a time. Each claim has a higher
//     fence. A report is accepted only from the latest fence, and only while its
//     lease lasts, by the database's clock.
//  4. An event wakes its customer by raising the generation. A settlement ends
//     the work only when the generation is the one that was claimed.
//  5. Everything that an attempt changed commits in one transaction.
//  6. A write is counted against its limits in the transaction that stores its
//     intent, and only one node at a time counts a sync.
//  7. A job may run more than once, and may share its transaction. So it sets its
//     results from the start each time, and when it returns an error of its own it must not
//     have written anything: the jobs beside it still commit. An error of the
//     database (errStore) undoes all of them.
//
// Both engines run the same SQL text with $N parameters; dialect.go has what
// differs. Times are Unix milliseconds, 0 for "not known".
//
// It may import internal/status, failpoint, newfile and reason, and nothing else of ours.
package store
