-- What people are told, each as one message that is kept up to date: a group
-- of exceptions, and what happens to a sync itself. It is to be told again while
-- changed is ahead of told. place is the message, in a place of the channel's;
-- open is how many exceptions it showed as open, content a hash of what it said.
create table notices (
    what        text    not null check (what in ('group', 'reminder', 'recovered', 'silent', 'heard', 'digest', 'flood')),
    sync        text    not null,
    kind        text    not null,
    cause       text    not null,
    changed     bigint  not null default 1,
    told        bigint  not null default 0,
    began_at    bigint  not null default 0,
    due_at      bigint  not null,
    fence       bigint  not null default 0,
    lease_until bigint  not null default 0,
    attempts    bigint  not null default 0,
    failure     text    not null default '',
    channel     text    not null default '',
    place       text    not null default '',
    told_at     bigint  not null default 0,
    posted_at   bigint  not null default 0,
    folded_at   bigint  not null default 0,
    open        bigint  not null default 0,
    content     text    not null default '',
    primary key (what, sync, kind, cause)
);
insert into notices (what, sync, kind, cause, changed, told, due_at) select 'group', sync, kind, cause, changed, told, due_at from topics;
drop table topics;
create index notices_untold on notices (due_at) where changed > told;
create index notices_of_channel on notices (channel);

-- Since when a sync has heard nothing, and the longest it was silent before. It is
-- over when heard_at is set.
create table silences (
    sync     text    not null primary key,
    since    bigint  not null,
    longest  bigint  not null,
    heard_at bigint  not null default 0
);
create index events_heard on events (sync, received_at) where side = 'source';
