-- The processes that take customers, comparisons and lists of changes for a time,
-- so that what a dead one holds can be taken back before that time is over.
create table processes (
    id       bigint not null primary key,
    began_at bigint not null,
    seen_at  bigint not null
);
alter table customers add column holder bigint not null default 0;
alter table sweeps add column holder bigint not null default 0;
alter table cursors add column holder bigint not null default 0;
