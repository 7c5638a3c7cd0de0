-- What the configuration has named: syncs, with their two connections, and
-- connections. became is the name that one has now, '' while this is it; ended_at
-- is when a person said that it is over.
create table names (
    kind     text    not null check (kind in ('sync', 'connection')),
    name     text    not null,
    source   text    not null default '',
    target   text    not null default '',
    became   text    not null default '',
    ended_at integer not null default 0,
    primary key (kind, name)
) strict;
insert into names (kind, name)
select 'sync', sync from customers union select 'sync', sync from links union select 'sync', sync from events union select 'sync', sync from modes;
insert into names (kind, name)
select 'connection', connection from events union select 'connection', connection from cursors union select 'connection', connection from tokens;
