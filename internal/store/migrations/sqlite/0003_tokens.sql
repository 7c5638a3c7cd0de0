-- What an OAuth server gave for a connection, sealed. One node at a time renews
-- it: a refresh token works once.
create table tokens (
    connection  text    not null primary key,
    sealed      text    not null default '',
    fence       integer not null default 0,
    lease_until integer not null default 0,
    changed_at  integer not null default 0
) strict;
