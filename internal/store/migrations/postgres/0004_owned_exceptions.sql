-- What an owner decided about a customer, and what he was shown when he did.
alter table customers add column ruling           text    not null default '' check (ruling in ('', 'ours', 'theirs'));
alter table customers add column ruling_desired   text    not null default '';
alter table customers add column ruling_observed  text    not null default '';
alter table customers add column ruling_record_at bigint not null default 0;
alter table customers add column ruling_until     bigint not null default 0;
alter table customers add column ruling_at        bigint not null default 0;
alter table customers add column ruling_by        text    not null default '';

-- Exceptions of one cause are one group. An owner whom a person named stays.
alter table exceptions add column cause        text    not null default '';
alter table exceptions add column opened_at    bigint not null default 0;
alter table exceptions add column reminded_at  bigint not null default 0;
alter table exceptions add column assigned     bigint not null default 0 check (assigned in (0, 1));
alter table exceptions add column ignored      text    not null default '' check (ignored in ('', 'until_change', 'always'));
update exceptions set cause = customer, opened_at = first_seen, ignored = case when state = 'ignored' then 'always' else '' end;
create index exceptions_of_cause on exceptions (sync, kind, cause);

-- Who did what about an exception. A key makes a repeated request one action.
create table actions (
    id           bigint generated always as identity primary key,
    exception_id bigint not null,
    done_at      bigint not null,
    who          text    not null,
    verb         text    not null,
    note         text    not null,
    request_key  text
);
create index actions_of_exception on actions (exception_id, id);
create unique index actions_by_key on actions (request_key) where request_key is not null;

-- What people are told about: one topic for each group of exceptions. It is to
-- be told again while changed is ahead of told.
create table topics (
    sync        text    not null,
    kind        text    not null,
    cause       text    not null,
    changed     bigint not null default 1,
    told        bigint not null default 0,
    due_at      bigint not null default 0,
    fence       bigint not null default 0,
    lease_until bigint not null default 0,
    attempts    bigint not null default 0,
    place       text    not null default '',
    primary key (sync, kind, cause)
);
create index topics_untold on topics (due_at) where changed > told;
