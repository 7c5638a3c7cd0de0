-- What people are told, each as one message that is kept up to date: a group
-- of exceptions, and what happens to a sync itself. It is to be told again while
-- changed is ahead of told. place is the message, in a place of the channel's;
-- open is how many exceptions it showed as open, content a hash of what it said.
create table notices (
    what        text    not null check (what in ('group', 'reminder', 'recovered', 'silent', 'heard', 'digest', 'flood')),
    sync        text    not null,
    kind        text    not null,
    cause       text    not null,
    changed     integer not null default 1,
    told        integer not null default 0,
    began_at    integer not null default 0,
    due_at      integer not null,
    fence       integer not null default 0,
    lease_until integer not null default 0,
    attempts    integer not null default 0,
    failure     text    not null default '',
    channel     text    not null default '',
    place       text    not null default '',
    told_at     integer not null default 0,
    posted_at   integer not null default 0,
    folded_at   integer not null default 0,
    open        integer not null default 0,
    content     text    not null default '',
    primary key (what, sync, kind, cause)
) strict;
insert into notices (what, sync, kind, cause, changed, told, due_at) select 'group', sync, kind, cause, changed, told, due_at from topics;
drop table topics;
create index notices_untold on notices (due_at) where changed > told;
create index notices_of_channel on notices (channel);

-- Since when a sync has heard nothing, and the longest it was silent before. It is
-- over when heard_at is set.
create table silences (
    sync     text    not null primary key,
    since    integer not null,
    longest  integer not null,
    heard_at integer not null default 0
) strict;
create index events_heard on events (sync, received_at) where side = 'source';
