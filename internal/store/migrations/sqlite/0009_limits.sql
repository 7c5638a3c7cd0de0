-- What limits need to know of a customer: writes and undone are JSON. moved_at is
-- the last write that counted towards mass_change, and halted says that a write
-- waits for a person to let it through, or was let through.
alter table customers add column writes   text    not null default '';
alter table customers add column undone   text    not null default '';
alter table customers add column moved_at integer not null default 0;
alter table customers add column halted   text    not null default '' check (halted in ('', 'waits', 'passes'));
create index customers_moved on customers (sync, moved_at) where moved_at > 0;
create index customers_halted on customers (sync, customer) where halted = 'waits';

-- One row for each sync that has moved customers under a mass_change limit: its
-- lock, since when its writes count, and when it was halted, 0 for not.
create table halts (
    sync        text    not null primary key,
    counts_from integer not null default 0,
    halted_at   integer not null default 0
) strict;
