// Package sqltable is the connection of type sql: one table of a PostgreSQL, MySQL
// or MariaDB database, as the source that decides or as the target that follows.
//
// Main types: Settings (the keys of the file), Open (the connection), Export (the
// SQL that an administrator runs) and, not exported, dialect (what differs between
// the engines), shape (what the catalog says about the table) and client (the
// calls).
//
// Invariants:
//
//  1. A statement changes nothing but the status of one row and the columns that
//     say who set it and when, and only while the row holds what was read. The
//     number of rows that it changed is the proof; more than one is rolled back.
//  2. Names come from the file, are found in the catalog before they are used, and
//     are quoted. Values are parameters.
//  3. What a row holds and what the server answers reach no error text: only the
//     code of the error and names of the file do.
//  4. Nothing is sent to the server in plain text unless the file says tls: off.
//  5. Times are compared by the database's clock, never by ours.
//  6. Ids, statuses and times travel as text, in the database's own spelling; they
//     are ordered and compared in their own type.
//
// It must not import the store, the pipeline or another connector.
package sqltable
