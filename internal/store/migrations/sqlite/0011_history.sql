-- A replay is an event of its own that carries another once more: whose it is,
-- and who asked.
alter table events add column replay_of   integer not null default 0;
alter table events add column replayed_by text    not null default '';
create index events_replayed on events (replay_of) where replay_of > 0;

-- Each change of a link: from which record to which, "" being none, why, and by
-- whom.
create table link_history (
    id         integer primary key autoincrement,
    sync       text    not null,
    customer   text    not null,
    old_target text    not null,
    new_target text    not null,
    changed_at integer not null,
    why        text    not null,
    who        text    not null
) strict;
create index link_history_of_customer on link_history (sync, customer, id);
