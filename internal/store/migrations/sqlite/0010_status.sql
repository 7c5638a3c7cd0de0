-- The processes that work on the database. A row goes when its process stops in
-- order; one that was not seen for long is a process that did not.
create table nodes (
    name       text    not null primary key,
    version    text    not null,
    started_at integer not null,
    seen_at    integer not null
) strict;

-- What a tool said last of the calls that it allows in its day.
alter table connections add column budget_left  integer not null default 0;
alter table connections add column budget_limit integer not null default 0;
alter table connections add column budget_at    integer not null default 0;

-- What a sync that only watches would have written, and what became of it: a
-- person did the same or otherwise, or the source changed first. took is how
-- long that was, in milliseconds.
create table watched (
    id        integer primary key autoincrement,
    sync      text    not null,
    customer  text    not null,
    target_id text    not null,
    before    text    not null,
    after     text    not null,
    would_at  integer not null,
    verdict   text    not null default '' check (verdict in ('', 'same', 'otherwise', 'overtaken')),
    found     text    not null default '',
    ended_at  integer not null default 0,
    took      integer not null default 0
) strict;
create unique index watched_open on watched (sync, customer) where verdict = '';
create index watched_counts on watched (sync, before, after, verdict, would_at);
create index watched_customers on watched (sync, customer, would_at);
create index watched_took on watched (sync, took, would_at) where verdict = 'same';

-- Since when a sync has its mode, also while it only watches.
alter table modes add column changed_at integer not null default 0;
