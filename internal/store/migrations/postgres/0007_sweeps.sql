-- One full comparison of both sides of a sync. It goes on where it was left:
-- phase and the cursors say where. What it read is dropped when it ends; its
-- figures stay, and so do the rows of a plan that is still good.
create table sweeps (
    id               bigint generated always as identity primary key,
    sync             text    not null,
    purpose          text    not null check (purpose in ('plan', 'sweep')),
    phase            text    not null check (phase in ('source', 'target', 'compare', 'done', 'failed')),
    source_cursor    text    not null default '',
    target_cursor    text    not null default '',
    compared_to      text    not null default '',
    rules            text    not null,
    fence            bigint  not null default 0,
    lease_until      bigint  not null default 0,
    began_at         bigint  not null,
    ended_at         bigint  not null default 0,
    failure          text    not null default '',
    hash             text    not null default '',
    sources          bigint  not null default 0,
    targets          bigint  not null default 0,
    agree            bigint  not null default 0,
    differ           bigint  not null default 0,
    held             bigint  not null default 0,
    unmatched_source bigint  not null default 0,
    unmatched_target bigint  not null default 0,
    ambiguous        bigint  not null default 0,
    unmapped         bigint  not null default 0,
    other            bigint  not null default 0,
    not_carried      bigint  not null default 0,
    lost_event       bigint  not null default 0,
    edit_outside     bigint  not null default 0,
    deleted_record   bigint  not null default 0,
    vocabulary       bigint  not null default 0,
    waiting          bigint  not null default 0,
    repaired         bigint  not null default 0,
    source_listed    bigint  not null check (source_listed in (0, 1)),
    target_listed    bigint  not null check (target_listed in (0, 1))
);
create index sweeps_of_sync on sweeps (sync, id);
-- One of each kind is under way at a time.
create unique index sweeps_under_way on sweeps (sync, purpose) where phase not in ('done', 'failed');
create index sweeps_of_hash on sweeps (sync, hash) where hash <> '';

create table sweep_sources (
    sweep      bigint  not null,
    customer   text    not null,
    value      text    not null,
    no_status  bigint  not null check (no_status in (0, 1)),
    value_at   bigint  not null,
    updated_at bigint  not null,
    keys       text    not null,
    read_at    bigint  not null,
    primary key (sweep, customer)
);

create table sweep_targets (
    sweep      bigint  not null,
    target_id  text    not null,
    value      text    not null,
    edited_at  bigint  not null,
    field_time bigint  not null check (field_time in (0, 1)),
    actor      text    not null,
    edited_by  text    not null,
    revision   text    not null,
    keys       text    not null,
    read_at    bigint  not null,
    -- taken_by is the customer that the match rules found it for, in this sweep.
    taken_by   text    not null default '',
    primary key (sweep, target_id)
);

create table sweep_keys (
    sweep     bigint  not null,
    name      text    not null,
    value     text    not null,
    target_id text    not null,
    primary key (sweep, name, value, target_id)
);

-- What a comparison found that would change or needs a person. record_at is when
-- the record was edited last, as it was read; state is what became of a row when
-- the plan was applied.
create table plan_rows (
    sweep     bigint  not null,
    customer  text    not null,
    target_id text    not null,
    action    text    not null check (action in ('write', 'hold', 'park')),
    kind      text    not null,
    reason    text    not null,
    before    text    not null,
    after     text    not null,
    record_at bigint  not null default 0,
    state     text    not null default '' check (state in ('', 'applied', 'refused', 'failed')),
    note      text    not null default '',
    ended_at  bigint  not null default 0,
    primary key (sweep, customer)
);

-- Every value that the last comparison saw on a side, and how many hold it.
create table vocabulary (
    sync      text    not null,
    side      text    not null check (side in ('source', 'target')),
    value     text    not null,
    customers bigint  not null,
    seen_at   bigint  not null,
    primary key (sync, side, value)
);

-- Since when a sync writes; 0 while it only watches.
create table modes (
    sync       text    not null primary key,
    mode       text    not null check (mode in ('live', 'watch')),
    since      bigint  not null
);
