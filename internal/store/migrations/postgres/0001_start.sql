create table events (
    seq         bigint generated always as identity primary key,
    connection  text    not null,
    sync        text    not null,
    side        text    not null check (side in ('source', 'target')),
    event_id    text    not null,
    customer    text    not null,
    value       text    not null,
    has_value   bigint not null check (has_value in (0, 1)),
    occurred_at bigint not null,
    received_at bigint not null,
    payload     bytea   not null,
    outcome     text    not null check (outcome in ('', 'applied', 'already_equal', 'superseded', 'held', 'parked', 'ignored')),
    reason      text    not null,
    settled_at  bigint not null,
    unique (connection, event_id, sync)
);
create index events_of_customer on events (sync, customer, seq);
create index events_waiting on events (sync, customer, seq) where outcome = '';

create table customers (
    sync                 text    not null,
    customer             text    not null,
    generation           bigint not null,
    due_at               bigint,
    fence                bigint not null default 0,
    lease_until          bigint not null default 0,
    attempts             bigint not null default 0,
    first_try            bigint not null default 0,
    desired_source_value text    not null default '',
    desired_status       text    not null default '',
    desired_value        text    not null default '',
    desired_at           bigint not null default 0,
    desired_seen_at      bigint not null default 0,
    desired_event        text    not null default '',
    desired_event_at     bigint not null default 0,
    observed_status      text    not null default '',
    observed_value       text    not null default '',
    observed_at          bigint not null default 0,
    observed_by          text    not null default '',
    observed_seen_at     bigint not null default 0,
    base_known           bigint not null default 0 check (base_known in (0, 1)),
    base_record_id       text    not null default '',
    base_status          text    not null default '',
    base_value           text    not null default '',
    base_revision        text    not null default '',
    base_by              text    not null default '',
    base_at              bigint not null default 0,
    base_seen_at         bigint not null default 0,
    human_at             bigint not null default 0,
    email                text    not null default '',
    outcome              text    not null default '',
    reason               text    not null default '',
    settled_at           bigint not null default 0,
    primary key (sync, customer)
);
create index customers_due on customers (sync, due_at, customer) where due_at is not null;
create index customers_by_email on customers (sync, email) where email <> '';

create table links (
    sync       text    not null,
    customer   text    not null,
    target_id  text    not null,
    rule       text    not null,
    confidence double precision    not null,
    linked_by  text    not null,
    linked_at  bigint not null,
    primary key (sync, customer),
    unique (sync, target_id)
);

create table intents (
    id        bigint generated always as identity primary key,
    sync      text    not null,
    customer  text    not null,
    record_id text    not null,
    value     text    not null,
    prior     text    not null,
    sent_at   bigint not null,
    expires   bigint not null
);
create index intents_of_customer on intents (sync, customer, id);

create table decisions (
    id          bigint generated always as identity primary key,
    sync        text    not null,
    customer    text    not null,
    made_at     bigint not null,
    action      text    not null,
    reason      text    not null,
    table_row   bigint not null,
    stage       text    not null,
    outcome     text    not null,
    kind        text    not null,
    target_id   text    not null,
    desired     text    not null,
    observed    text    not null,
    base        text    not null,
    desired_at  bigint not null,
    observed_at bigint not null,
    observed_by text    not null,
    confidence  double precision    not null,
    events      bigint not null
);
create index decisions_of_customer on decisions (sync, customer, id);

create table exceptions (
    id           bigint generated always as identity primary key,
    sync         text    not null,
    customer     text    not null,
    kind         text    not null,
    stage        text    not null,
    reason       text    not null,
    source_value text    not null,
    target_value text    not null,
    last_action  text    not null,
    confidence   double precision    not null,
    owner        text    not null,
    state        text    not null check (state in ('open', 'acknowledged', 'resolved', 'ignored')),
    count        bigint not null,
    first_seen   bigint not null,
    last_seen    bigint not null,
    candidates   text    not null,
    unique (sync, customer, kind)
);
create index exceptions_open on exceptions (sync, kind) where state in ('open', 'acknowledged');

create table connections (
    name         text    not null primary key,
    paused_until bigint not null default 0,
    next_slot_us bigint not null default 0
);

create table cursors (
    connection  text    not null primary key,
    cursor      text    not null default '',
    fence       bigint not null default 0,
    lease_until bigint not null default 0,
    asked_at    bigint not null default 0
);
