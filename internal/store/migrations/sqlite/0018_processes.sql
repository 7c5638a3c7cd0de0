-- The processes that take customers, comparisons and lists of changes for a time,
-- so that what a dead one holds can be taken back before that time is over.
create table processes (
    id       integer not null primary key,
    began_at integer not null,
    seen_at  integer not null
) strict;
alter table customers add column holder integer not null default 0;
alter table sweeps add column holder integer not null default 0;
alter table cursors add column holder integer not null default 0;
