// Package killtest kills the real program under load, and checks what is seen
// from outside of it.
//
// Main types: Bench (what all rounds share: the program built with its
// failpoints, a PostgreSQL of its own), Round (one seed on one engine), Kind
// (one way to hurt the program), Result, and History (what went over HTTP at
// both edges). Main functions: NewBench, Bench.Run, History.Check.
//
// A round starts trueup between two strict tools and lets senders post signed
// webhooks of customers who change. A sender repeats what was not acknowledged,
// under the same event id; some webhooks are sent twice. On PostgreSQL up to three
// nodes share the work, each with a wire of its own to the server (wire.go), in some
// rounds to a PgBouncer before it; in rounds on a server with a standby (standby.go) they
// are told of both, and the standby takes over. Meanwhile the program is killed, stopped, or loses
// its disk, its database, its wire or the target. Then comes a calm: the program
// runs, and once it says that no event waits, the history is checked.
//
// The check knows nothing of the database. Its invariants, by the numbers that
// a breach names:
//
//  1. durable: an acknowledged event that is sent again is a repeat.
//  2. converges: the target holds what the source says, unless a person
//     changed it later.
//  3. no time travel: no state of the source is written after a newer one.
//  4. no idle write: what the target holds already is not written. Where the
//     target takes writes without a version, a write whose answer was cut may
//     be repeated, which is counted.
//  5. humans win: over a person's edit only a later change of the source is
//     written.
//  6. answers: a webhook is answered 200, or 503 with Retry-After, and nothing
//     else; no event is a repeat before it was sent, unless the answer to a commit
//     may have been lost.
//  7. the program goes on: it never ends by itself, and a stop in order ends
//     with exit code 0.
//
// A round's script follows from its seed; where a kill lands does not, because
// the processes run on a real clock.
//
// To add a way to hurt the program, add a Kind to kinds.go; a failpoint needs
// its name in Failpoints only. It needs Linux, and PostgreSQL's own
// programs: it ends that server as a crash would, which one that is given
// (TRUEUP_TEST_POSTGRES) must not suffer. It must not import the store or
// the pipeline. Only tests and proof/cmd/trueup-kill import it.
package killtest
