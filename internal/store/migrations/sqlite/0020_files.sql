-- Which trueup.yaml a process runs on, since when, and what is wrong with the one
-- that it was to use instead: JSON, '' for nothing.
alter table nodes add column file_at     integer not null default 0;
alter table nodes add column file_hash   text    not null default '';
alter table nodes add column file_faults text    not null default '';
alter table nodes add column faults_at   integer not null default 0;

-- People are told of that, too. SQLite changes a check only with its table.
create table notices_with_files (
    what        text    not null check (what in ('group', 'reminder', 'recovered', 'silent', 'heard', 'digest', 'flood', 'file')),
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
insert into notices_with_files (what, sync, kind, cause, changed, told, began_at, due_at, fence, lease_until, attempts, failure, channel, place, told_at, posted_at, folded_at, open, content)
select what, sync, kind, cause, changed, told, began_at, due_at, fence, lease_until, attempts, failure, channel, place, told_at, posted_at, folded_at, open, content from notices;
drop table notices;
alter table notices_with_files rename to notices;
create index notices_untold on notices (due_at) where changed > told;
create index notices_of_channel on notices (channel);
