create table events (
    seq         integer primary key autoincrement,
    connection  text    not null,
    sync        text    not null,
    side        text    not null check (side in ('source', 'target')),
    event_id    text    not null,
    customer    text    not null,
    value       text    not null,
    has_value   integer not null check (has_value in (0, 1)),
    occurred_at integer not null,
    received_at integer not null,
    payload     blob    not null,
    outcome     text    not null check (outcome in ('', 'applied', 'already_equal', 'superseded', 'held', 'parked', 'ignored')),
    reason      text    not null,
    settled_at  integer not null,
    unique (connection, event_id, sync)
) strict;
create index events_of_customer on events (sync, customer, seq);
create index events_waiting on events (sync, customer, seq) where outcome = '';

create table customers (
    sync                 text    not null,
    customer             text    not null,
    generation           integer not null,
    due_at               integer,
    fence                integer not null default 0,
    lease_until          integer not null default 0,
    attempts             integer not null default 0,
    first_try            integer not null default 0,
    desired_source_value text    not null default '',
    desired_status       text    not null default '',
    desired_value        text    not null default '',
    desired_at           integer not null default 0,
    desired_seen_at      integer not null default 0,
    desired_event        text    not null default '',
    desired_event_at     integer not null default 0,
    observed_status      text    not null default '',
    observed_value       text    not null default '',
    observed_at          integer not null default 0,
    observed_by          text    not null default '',
    observed_seen_at     integer not null default 0,
    base_known           integer not null default 0 check (base_known in (0, 1)),
    base_record_id       text    not null default '',
    base_status          text    not null default '',
    base_value           text    not null default '',
    base_revision        text    not null default '',
    base_by              text    not null default '',
    base_at              integer not null default 0,
    base_seen_at         integer not null default 0,
    human_at             integer not null default 0,
    email                text    not null default '',
    outcome              text    not null default '',
    reason               text    not null default '',
    settled_at           integer not null default 0,
    primary key (sync, customer)
) strict;
create index customers_due on customers (sync, due_at, customer) where due_at is not null;
create index customers_by_email on customers (sync, email) where email <> '';

create table links (
    sync       text    not null,
    customer   text    not null,
    target_id  text    not null,
    rule       text    not null,
    confidence real    not null,
    linked_by  text    not null,
    linked_at  integer not null,
    primary key (sync, customer),
    unique (sync, target_id)
) strict;

create table intents (
    id        integer primary key autoincrement,
    sync      text    not null,
    customer  text    not null,
    record_id text    not null,
    value     text    not null,
    prior     text    not null,
    sent_at   integer not null,
    expires   integer not null
) strict;
create index intents_of_customer on intents (sync, customer, id);

create table decisions (
    id          integer primary key autoincrement,
    sync        text    not null,
    customer    text    not null,
    made_at     integer not null,
    action      text    not null,
    reason      text    not null,
    table_row   integer not null,
    stage       text    not null,
    outcome     text    not null,
    kind        text    not null,
    target_id   text    not null,
    desired     text    not null,
    observed    text    not null,
    base        text    not null,
    desired_at  integer not null,
    observed_at integer not null,
    observed_by text    not null,
    confidence  real    not null,
    events      integer not null
) strict;
create index decisions_of_customer on decisions (sync, customer, id);

create table exceptions (
    id           integer primary key autoincrement,
    sync         text    not null,
    customer     text    not null,
    kind         text    not null,
    stage        text    not null,
    reason       text    not null,
    source_value text    not null,
    target_value text    not null,
    last_action  text    not null,
    confidence   real    not null,
    owner        text    not null,
    state        text    not null check (state in ('open', 'acknowledged', 'resolved', 'ignored')),
    count        integer not null,
    first_seen   integer not null,
    last_seen    integer not null,
    candidates   text    not null,
    unique (sync, customer, kind)
) strict;
create index exceptions_open on exceptions (sync, kind) where state in ('open', 'acknowledged');

create table connections (
    name         text    not null primary key,
    paused_until integer not null default 0,
    next_slot_us integer not null default 0
) strict;

create table cursors (
    connection  text    not null primary key,
    cursor      text    not null default '',
    fence       integer not null default 0,
    lease_until integer not null default 0,
    asked_at    integer not null default 0
) strict;
