-- Everything Trueup stores.
--
-- Times are Unix milliseconds, and 0 means "not known" or "never". Columns that
-- end in _us are microseconds. A text of '' means "none". Flags are 0 or 1.
--
-- A row that one process works on at a time has a lease: lease_until is when the
-- lease ends, holder is the process that has it (processes.id), and fence grows
-- with each lease, so that a report from an earlier one is recognized.
--
-- A reason is reason_code with reason_facts, which is JSON. A reason without a
-- code is the plain sentence in reason.
--
-- The two engines have the same text here but for the names of the types, and for
-- collate "C" in PostgreSQL: texts are ordered by their bytes, as SQLite does. In a
-- database that orders by a language, the beginning of an id could not be found by an
-- index, and an upgrade of the system's languages could break one.


-- 1. What came in

-- One row for each event and sync. An event waits while outcome is ''.
create table events (
    seq          bigint generated always as identity primary key, -- the order of arrival
    connection   text collate "C" not null,
    sync         text collate "C" not null,
    side         text collate "C" not null check (side in ('source', 'target')),
    event_id     text collate "C" not null, -- the tool's own id
    customer     text collate "C" not null, -- for side 'target': the id of the record
    value        text collate "C" not null, -- the status as the tool spells it
    has_value    bigint  not null check (has_value in (0, 1)),
    occurred_at  bigint  not null, -- when the change happened, by the tool's clock
    received_at  bigint  not null,
    unchanged_at bigint  not null default 0, -- until when the source is known to have had its previous value
    payload      bytea   not null, -- empty once it is deleted
    listed       bigint  not null default 0 check (listed in (0, 1)), -- it was found by polling and never sent by the tool
    replay_of    bigint  not null default 0, -- seq of the event that this one replays
    replayed_by  text collate "C" not null default '',
    outcome      text collate "C" not null check (outcome in ('', 'applied', 'already_equal', 'would_write', 'superseded', 'held', 'parked', 'ignored')),
    reason       text collate "C" not null,
    reason_code  text collate "C" not null default '',
    reason_facts text collate "C" not null default '',
    settled_at   bigint  not null,
    unique (connection, event_id, sync) -- a repeat changes nothing
);
create index events_of_customer on events (sync, customer, seq);
create index events_waiting on events (sync, customer, seq) where outcome = '';
create index events_heard on events (sync, listed, received_at) where side = 'source' and replay_of = 0;
create index events_replayed on events (replay_of) where replay_of > 0;

-- The longest silence of a sync's source, and the current one. It is over once
-- heard_at is set.
create table silences (
    sync     text collate "C" not null primary key,
    since    bigint  not null,
    longest  bigint  not null, -- in milliseconds, before this one
    heard_at bigint  not null default 0
);


-- 2. Customers, and what is known of each

-- One row for each customer of a sync, with the three values.
create table customers (
    sync                 text collate "C" not null,
    customer             text collate "C" not null, -- the id in the source

    -- The queue. due_at is null when there is nothing to do.
    generation           bigint  not null, -- grows with each event; a settlement ends the work of the one it claimed
    due_at               bigint,
    fence                bigint  not null default 0,
    lease_until          bigint  not null default 0,
    holder               bigint  not null default 0,
    attempts             bigint  not null default 0, -- failures in a row
    first_try            bigint  not null default 0, -- when the first of them was
    owed                 bigint  not null default 0 check (owed in (0, 1)), -- its change came while the sync was live, and waits until it is live again
    unheard              bigint  not null default 0 check (unheard in (0, 1)), -- nothing but a comparison has asked for it since the sync went live: people are asked, and its history is left to a plan

    -- Desired: what the source says.
    desired_source_value text collate "C" not null default '', -- as the source spells it
    desired_status       text collate "C" not null default '', -- in our vocabulary
    desired_value        text collate "C" not null default '', -- as the target spells it
    desired_at           bigint  not null default 0,  -- when the source changed to it
    desired_seen_at      bigint  not null default 0,
    desired_since        bigint  not null default 0,  -- since when it has surely been so without a change
    desired_event        text collate "C" not null default '', -- the event it was read from
    desired_event_at     bigint  not null default 0,
    source_changes       bigint  not null default 0,  -- how often the source was found changed

    -- Observed: what the target held when it was last read.
    observed_status      text collate "C" not null default '',
    observed_value       text collate "C" not null default '',
    observed_at          bigint  not null default 0, -- when it was edited, by the target's clock
    observed_by          text collate "C" not null default '',
    observed_seen_at     bigint  not null default 0,
    human_at             bigint  not null default 0, -- the latest edit by a person that was seen
    target_changes       bigint  not null default 0, -- how often the target was found changed

    -- Base: what the target was last proven to hold.
    base_known           bigint  not null default 0 check (base_known in (0, 1)),
    base_record_id       text collate "C" not null default '',
    base_status          text collate "C" not null default '',
    base_value           text collate "C" not null default '',
    base_sent            text collate "C" not null default '', -- what was sent, where the target keeps another spelling of it
    base_unverified      bigint  not null default 0 check (base_unverified in (0, 1)), -- the target cannot show what it holds
    base_by              text collate "C" not null default '',
    base_at              bigint  not null default 0,
    base_seen_at         bigint  not null default 0,

    -- Ruling: what an owner decided, and what they were shown.
    ruling               text collate "C" not null default '' check (ruling in ('', 'ours', 'theirs', 'undone')), -- ours: the source's value; undone: the target's, which a person put back
    ruling_desired       text collate "C" not null default '',
    ruling_observed      text collate "C" not null default '',
    ruling_record_at     bigint  not null default 0,
    ruling_until         bigint  not null default 0, -- 0: until the source changes
    ruling_at            bigint  not null default 0,
    ruling_by            text collate "C" not null default '',

    -- Limits.
    writes               text collate "C" not null default '', -- the latest writes, as JSON
    undone               text collate "C" not null default '', -- writes that were gone at the next read, as JSON
    moved_at             bigint  not null default 0,  -- the latest write that counts toward mass_change
    halted               text collate "C" not null default '' check (halted in ('', 'waits', 'passes')), -- a write waits for a person, or a person let it through

    -- The last write that is proven, and what it replaced, for whoever wants it back.
    last_write           text collate "C" not null default '', -- as JSON
    tried_at             bigint  not null default 0,  -- when it was, if a person had it written while the sync only watched; 0 once it is undone

    -- How the latest attempt ended.
    outcome              text collate "C" not null default '',
    reason               text collate "C" not null default '',
    reason_code          text collate "C" not null default '',
    reason_facts         text collate "C" not null default '',
    settled_at           bigint  not null default 0,
    email                text collate "C" not null default '', -- in lower case, to find the customer by
    name                 text collate "C" not null default '', -- for people to know the customer by
    sought               text collate "C" not null default '', -- the name in lower case, to find the customer by its beginning
    primary key (sync, customer)
);
create index customers_due on customers (sync, due_at, customer) where due_at is not null;
create index customers_by_email on customers (sync, email) where email <> '';
create index customers_by_name on customers (sync, sought, customer) where sought <> '';
create index customers_out_of_line on customers (sync, outcome, customer) where outcome not in ('', 'applied', 'already_equal');
create index customers_moved on customers (sync, moved_at) where moved_at > 0;
create index customers_halted on customers (sync, customer) where halted = 'waits';
create index customers_owed on customers (sync, customer) where owed = 1;
create index customers_unheard on customers (sync, due_at, unheard, customer) where unheard = 1 and due_at is not null;
create index customers_tried on customers (sync) where tried_at > 0;
create index customers_delayed on customers (sync, due_at) where outcome = 'held' and reason_code = 'change_waits';

-- What a comparison read of a customer whose first event has not come yet. That
-- event can then be told from a change.
create table seen (
    sync     text collate "C" not null,
    customer text collate "C" not null,
    value    text collate "C" not null,
    seen_at  bigint  not null,
    primary key (sync, customer)
);

-- Which record of the target is the customer.
create table links (
    sync       text collate "C" not null,
    customer   text collate "C" not null,
    target_id  text collate "C" not null,
    rule       text collate "C" not null,
    confidence double precision not null,
    linked_by  text collate "C" not null,
    linked_at  bigint  not null,
    primary key (sync, customer),
    unique (sync, target_id)
);
create index links_of_rule on links (sync, rule);

-- Each change of a link. A target of '' means that there was no link, or is none.
create table link_history (
    id         bigint generated always as identity primary key,
    sync       text collate "C" not null,
    customer   text collate "C" not null,
    old_target text collate "C" not null,
    new_target text collate "C" not null,
    changed_at bigint  not null,
    why        text collate "C" not null,
    who        text collate "C" not null
);
create index link_history_of_customer on link_history (sync, customer, id);

-- Writes that were sent, or are about to be, and are not proven yet.
create table intents (
    id        bigint generated always as identity primary key,
    sync      text collate "C" not null,
    customer  text collate "C" not null,
    record_id text collate "C" not null,
    value     text collate "C" not null,
    prior     text collate "C" not null, -- what the record held when the write was sent
    prior_at  bigint  not null default 0, -- when it had last been edited then, by the target's clock
    sent_at   bigint  not null,
    expires   bigint  not null, -- after this it can no longer arrive
    seen      bigint  not null default 0 check (seen in (0, 1)), -- its value was read in the record, which someone else may have set
    accepted  bigint  not null default 0 check (accepted in (0, 1)) -- the tool answered that it was done, and does not show it yet
);
create index intents_of_customer on intents (sync, customer, id);

-- The history of a customer: one row for each attempt that decided something.
create table decisions (
    id           bigint generated always as identity primary key,
    sync         text collate "C" not null,
    customer     text collate "C" not null,
    made_at      bigint  not null,
    action       text collate "C" not null,
    reason       text collate "C" not null,
    reason_code  text collate "C" not null default '',
    reason_facts text collate "C" not null default '',
    table_row    bigint  not null, -- of the decision table, 0 when it was not asked
    stage        text collate "C" not null,
    outcome      text collate "C" not null,
    kind         text collate "C" not null, -- of the exception that was opened
    target_id    text collate "C" not null,
    desired      text collate "C" not null,
    observed     text collate "C" not null,
    base         text collate "C" not null,
    desired_at   bigint  not null,
    observed_at  bigint  not null,
    observed_by  text collate "C" not null,
    confidence   double precision not null,
    events       bigint  not null, -- how many events it settled
    config       text collate "C" not null default '' -- the digest of the configuration, '' when none was asked
);
create index decisions_of_customer on decisions (sync, customer, id);


-- 3. What people must look at, and how they are notified

-- One row for each sync, customer and kind. Customer '' is the sync itself.
create table exceptions (
    id             bigint generated always as identity primary key,
    sync           text collate "C" not null,
    customer       text collate "C" not null,
    kind           text collate "C" not null,
    stage          text collate "C" not null,
    cause          text collate "C" not null default '', -- exceptions of one cause are one group
    reason         text collate "C" not null,
    reason_code    text collate "C" not null default '',
    reason_facts   text collate "C" not null default '',
    source_value   text collate "C" not null,
    target_value   text collate "C" not null,
    last_action    text collate "C" not null,
    confidence     double precision not null,
    candidates     text collate "C" not null, -- records that may be the customer, as JSON
    troubles       text collate "C" not null default '[]', -- for a whole sync: what is failing, as JSON
    owner          text collate "C" not null,
    assigned       bigint  not null default 0 check (assigned in (0, 1)), -- a person chose the owner
    state          text collate "C" not null check (state in ('open', 'acknowledged', 'resolved', 'ignored')),
    ignored        text collate "C" not null default '' check (ignored in ('', 'until_change', 'always')),
    dismissed      bigint  not null default 0 check (dismissed in (0, 1)), -- a person closed it: it stays closed until one side changes
    source_changes bigint  not null default 0, -- as in customers, when it was last seen
    target_changes bigint  not null default 0,
    count          bigint  not null,
    first_seen     bigint  not null,
    last_seen      bigint  not null,
    opened_at      bigint  not null default 0, -- when it last opened or came back
    waits_since    bigint  not null default 0, -- the later of opened_at and when a person last chose the owner: reminders count from here
    reminded_at    bigint  not null default 0,
    unique (sync, customer, kind)
);
create index exceptions_open on exceptions (sync, kind, cause, customer, opened_at, last_seen, waits_since, owner, state) where state in ('open', 'acknowledged');
create index exceptions_closed on exceptions (state, sync, kind, id, cause, customer, opened_at, owner) where state in ('ignored', 'resolved');
create index exceptions_alone on exceptions (sync, kind, id) where cause = customer and state in ('open', 'acknowledged'); -- each with a cause of its own
create index exceptions_of_cause on exceptions (sync, kind, cause, id);
create index exceptions_by_number on exceptions (id) where state in ('open', 'acknowledged');
create index exceptions_resolved on exceptions (id) where state = 'resolved';

-- Who did what about an exception.
create table actions (
    id           bigint generated always as identity primary key,
    exception_id bigint  not null,
    done_at      bigint  not null,
    who          text collate "C" not null,
    verb         text collate "C" not null,
    note         text collate "C" not null
);
create index actions_of_exception on actions (exception_id, id);

-- What people and programs did, and when the file was read. Of the acts of a kind that
-- were asked for at once, which have one batch, the first leads: it is the line that
-- people see.
create table activity (
    id           bigint generated always as identity primary key,
    done_at      bigint  not null,
    who          text collate "C" not null,
    behalf       text collate "C" not null, -- whom a token acted for
    way          text collate "C" not null check (way in ('', 'page', 'api', 'slack', 'command', 'file')),
    topic        text collate "C" not null,
    sync         text collate "C" not null,
    customer     text collate "C" not null,
    code         text collate "C" not null,
    reason_facts text collate "C" not null,
    why          text collate "C" not null, -- as the person gave it
    batch        text collate "C" not null,
    leads        bigint  not null check (leads in (0, 1))
);
create index activity_of_sync on activity (sync, id) where leads = 1;
create index activity_of_topic on activity (topic, id) where leads = 1;
create index activity_of_who on activity (who, id);
create index activity_of_customer on activity (sync, customer, id) where customer <> '';
create index activity_at on activity (done_at);
create index activity_together on activity (batch, id) where batch <> '';

-- What was asked under an idempotency key, and the answer. Key and request are
-- kept as hashes.
create table requests (
    request_key text collate "C" not null primary key,
    asked       text collate "C" not null,
    changed     bigint  not null check (changed in (0, 1)), -- the answer
    done_at     bigint  not null
);

-- What people are notified of: each row is one message to one recipient, as the file
-- may have it under notify. Where messages can change, it is kept up to date. It must
-- be sent while changed is ahead of told.
create table notices (
    recipient   text collate "C" not null default 'slack' check (recipient in ('slack', 'webhook', 'smtp')),
    what        text collate "C" not null check (what in ('group', 'reminder', 'recovered', 'silent', 'heard', 'digest', 'flood', 'file', 'alarm')),
    sync        text collate "C" not null,
    kind        text collate "C" not null,
    cause       text collate "C" not null,
    changed     bigint  not null default 1,
    told        bigint  not null default 0,
    began_at    bigint  not null default 0, -- when the oldest change was that is not sent yet
    due_at      bigint  not null,
    fence       bigint  not null default 0,
    lease_until bigint  not null default 0,
    holder      bigint  not null default 0,
    attempts    bigint  not null default 0,
    failure     text collate "C" not null default '',
    channel     text collate "C" not null default '', -- where the message is
    place       text collate "C" not null default '', -- its id there
    told_at     bigint  not null default 0,
    posted_at   bigint  not null default 0,
    folded_at   bigint  not null default 0, -- when one message about many took its place
    open        bigint  not null default 0,  -- how many exceptions it showed as open
    content     text collate "C" not null default '', -- a hash of what it said
    gave_up_at  bigint  not null default 0, -- when what had failed for too long was given up, with its failure
    primary key (recipient, what, sync, kind, cause)
);
create index notices_untold on notices (recipient, due_at) where changed > told;
create index notices_failed on notices (recipient) where failure <> '';
create index notices_of_channel on notices (channel);

-- The alarms that were seen to be on, so that people are notified once of each begin
-- and end. An alarm is on while ended_at is 0.
create table alarms (
    sync     text collate "C" not null,
    alarm    text collate "C" not null check (alarm in ('silent', 'connection_failed', 'queue_old', 'overdue', 'halted', 'paused')),
    since    bigint  not null,
    ended_at bigint  not null default 0,
    primary key (sync, alarm)
);


-- 4. Syncs

-- Whether a sync writes.
create table modes (
    sync       text collate "C" not null primary key,
    mode       text collate "C" not null check (mode in ('live', 'watch')),
    since      bigint  not null,          -- since when it writes, 0 while it only watches
    changed_at bigint  not null default 0, -- since when it has this mode
    before_at  bigint  not null default 0  -- since when it had the one before, 0 for none
);

-- One row for each sync with a mass_change limit: the lock under which its
-- customers are counted, and since when it is halted.
create table halts (
    sync      text collate "C" not null primary key,
    halted_at bigint  not null default 0
);

-- When and why a person paused a sync. An open pause, ended_at 0, stops its writes.
create table pauses (
    id       bigint generated always as identity primary key,
    sync     text collate "C" not null,
    since    bigint  not null,
    who      text collate "C" not null,
    reason   text collate "C" not null,
    ended_at bigint  not null default 0,
    ended_by text collate "C" not null default '',
    plan_first integer not null default 0 check (plan_first in (0, 1)) -- it ends only once a plan was made in it
);
create unique index pauses_open on pauses (sync) where ended_at = 0;

-- Each configuration that a process began to use, when it was another than before.
create table config_readings (
    id       bigint generated always as identity primary key,
    digest   text collate "C" not null,
    read_at  bigint  not null,
    node     text collate "C" not null,
    settings text collate "C" not null, -- its values as they are written, without secrets; '' once they are deleted
    secrets  text collate "C" not null  -- the paths of secrets that differ from the reading before
);

-- Each changed configuration that a process refused to use.
create table config_refusals (
    id       bigint generated always as identity primary key,
    digest   text collate "C" not null,
    read_at  bigint  not null,
    node     text collate "C" not null,
    faults   text collate "C" not null -- where, as JSON: lines and keys only
);

-- The customers that a person keeps Trueup's hands off, and since when, until when and
-- why. An open pin, ended_at 0, is in force until until_at, or without one for good.
create table pins (
    id       bigint generated always as identity primary key,
    sync     text collate "C" not null,
    customer text collate "C" not null,
    since    bigint  not null,
    until_at bigint  not null default 0,
    who      text collate "C" not null,
    reason   text collate "C" not null,
    ended_at bigint  not null default 0,
    ended_by text collate "C" not null default ''
);
create unique index pins_open on pins (sync, customer) where ended_at = 0;
create index pins_of_customer on pins (sync, customer);

-- What a sync that only watches would have written, and what happened instead.
create table watched (
    id        bigint generated always as identity primary key,
    sync      text collate "C" not null,
    customer  text collate "C" not null,
    target_id text collate "C" not null,
    before    text collate "C" not null,
    after     text collate "C" not null,
    would_at  bigint  not null,
    verdict   text collate "C" not null default '' check (verdict in ('', 'same', 'otherwise', 'overtaken')), -- overtaken: the source changed first
    found     text collate "C" not null default '',
    ended_at  bigint  not null default 0,
    took      bigint  not null default 0 -- in milliseconds
);
create unique index watched_open on watched (sync, customer) where verdict = '';
create index watched_counts on watched (sync, before, after, verdict, would_at);
create index watched_customers on watched (sync, customer, would_at);
create index watched_latest on watched (sync, id);
create index watched_took on watched (sync, took, would_at) where verdict = 'same';

-- Which account of a tool each side reaches. The links are links of that account.
create table accounts (
    sync     text collate "C" not null,
    side     text collate "C" not null check (side in ('source', 'target')),
    account  text collate "C" not null, -- a hash
    shown    text collate "C" not null, -- for people
    noted_at bigint  not null,
    noted_by text collate "C" not null default '',
    primary key (sync, side)
);

-- Under which rules the customers are read: which field of which record. Both are
-- hashes.
create table looks (
    sync   text collate "C" not null primary key,
    rules  text collate "C" not null,
    target text collate "C" not null,
    policy text collate "C" not null default '', -- a hash of transitions
    since  bigint  not null
);

-- The names that the configuration has used. A sync has its two connections here.
create table names (
    kind     text collate "C" not null check (kind in ('sync', 'connection')),
    name     text collate "C" not null,
    source   text collate "C" not null default '',
    target   text collate "C" not null default '',
    became   text collate "C" not null default '', -- the name that it has now
    ended_at bigint  not null default 0,  -- when a person removed it
    primary key (kind, name)
);


-- 5. Comparisons of both sides

-- One comparison of all records. phase and the cursors are where to continue.
-- What it read is dropped when it ends; its figures stay.
create table sweeps (
    id               bigint generated always as identity primary key,
    sync             text collate "C" not null,
    purpose          text collate "C" not null check (purpose in ('plan', 'sweep')),
    phase            text collate "C" not null check (phase in ('source', 'target', 'compare', 'done', 'failed')),
    source_cursor    text collate "C" not null default '',
    target_cursor    text collate "C" not null default '',
    compared_to      text collate "C" not null default '', -- the last customer that was compared
    source_listed    bigint  not null check (source_listed in (0, 1)), -- the tool can list its records
    target_listed    bigint  not null check (target_listed in (0, 1)),
    rules            text collate "C" not null, -- a hash of the configuration that it was made under
    fence            bigint  not null default 0,
    lease_until      bigint  not null default 0,
    holder           bigint  not null default 0,
    began_at         bigint  not null,
    ended_at         bigint  not null default 0,
    failure          text collate "C" not null default '',
    hash             text collate "C" not null default '', -- of the rows of a plan

    -- Each customer counts once.
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
    source_aside     bigint not null default 0, -- records of the lists that cannot be read
    target_aside     bigint not null default 0,
    asides           text collate "C" not null default '', -- the first of them, JSON

    -- Why the two sides had come apart.
    lost_event       bigint  not null default 0,
    edit_outside     bigint  not null default 0,
    deleted_record   bigint  not null default 0,
    vocabulary       bigint  not null default 0,
    waiting          bigint  not null default 0, -- changed before the sync went live
    repaired         bigint  not null default 0
);
create index sweeps_of_sync on sweeps (sync, id);
create index sweeps_of_hash on sweeps (sync, hash) where hash <> '';
create index sweeps_ended on sweeps (sync, ended_at) where phase = 'done';
-- One of each purpose runs at a time.
create unique index sweeps_under_way on sweeps (sync, purpose) where phase not in ('done', 'failed');

-- What a comparison has read, page by page, and the matches that it found. It is
-- only appended to.
create table sweep_pages (
    sweep   bigint  not null,
    seq     bigint  not null,
    side    text collate "C" not null check (side in ('source', 'target', 'taken')),
    read_at bigint  not null,
    records text collate "C" not null, -- JSON
    primary key (sweep, seq)
);

-- What would change, or needs a person.
create table plan_rows (
    sweep        bigint  not null,
    customer     text collate "C" not null,
    target_id    text collate "C" not null,
    name         text collate "C" not null default '', -- the customer's, for people
    action       text collate "C" not null check (action in ('write', 'hold', 'park')),
    kind         text collate "C" not null,
    reason       text collate "C" not null,
    reason_code  text collate "C" not null default '',
    reason_facts text collate "C" not null default '',
    before       text collate "C" not null,
    after        text collate "C" not null,
    record_at    bigint  not null default 0, -- when the record was last edited, as it was read
    state        text collate "C" not null default '' check (state in ('', 'applied', 'refused', 'failed')), -- what happened to the row when the plan was applied
    note         text collate "C" not null default '',
    ended_at     bigint  not null default 0,
    change       bigint  not null default 0, -- of plan_changes
    sought       text collate "C" not null default '', -- what the row is called, in lower case, to find it by
    primary key (sweep, customer)
);
create index plan_rows_of_change on plan_rows (sweep, change, customer);
create index plan_rows_sought on plan_rows (sweep, sought, customer);
create index plan_rows_ended on plan_rows (sweep, ended_at) where ended_at > 0;
create index plan_rows_not_written on plan_rows (sweep, customer) where state in ('refused', 'failed');

-- The kinds of change in a plan, and how many customers each has. change is a hash of
-- the four columns after it.
create table plan_changes (
    sweep     bigint  not null,
    change    bigint  not null,
    action    text collate "C" not null,
    kind      text collate "C" not null,
    before    text collate "C" not null,
    after     text collate "C" not null,
    customers bigint  not null,
    primary key (sweep, change)
);

-- What a person has asked the service to do about a plan. One job of a sync is open,
-- ended_at 0, at a time.
create table plan_jobs (
    id           bigint generated always as identity primary key,
    sync         text collate "C" not null,
    kind         text collate "C" not null check (kind in ('make', 'apply')),
    sweep        bigint  not null default 0,  -- the plan: that is applied, or once it is made
    customers    text collate "C" not null default '', -- only these, as JSON
    approved_by  text collate "C" not null default '', -- who approves overwriting values that Trueup did not write
    requested_by text collate "C" not null,
    requested_at bigint  not null,
    request_key  text collate "C" not null default '', -- the idempotency key, as a hash
    stopped_by   text collate "C" not null default '',
    stop_at      bigint  not null default 0,  -- since when it is to stop
    began_at     bigint  not null default 0,
    fence        bigint  not null default 0,
    lease_until  bigint  not null default 0,
    holder       bigint  not null default 0,
    waits        text collate "C" not null default '', -- the connection that is waited for
    waits_until  bigint  not null default 0,

    -- Of a plan that is applied.
    total        bigint  not null default 0, -- the chosen rows
    written      bigint  not null default 0,
    refused      bigint  not null default 0,
    failed       bigint  not null default 0,

    ended_at     bigint  not null default 0,
    outcome      text collate "C" not null default '' check (outcome in ('', 'done', 'stopped', 'failed')),
    failure      text collate "C" not null default ''
);
create unique index plan_jobs_open on plan_jobs (sync) where ended_at = 0;
create unique index plan_jobs_of_key on plan_jobs (request_key) where request_key <> '';
create index plan_jobs_of_sync on plan_jobs (sync, id);

-- The values that the last comparison read on each side, and how many have them.
create table vocabulary (
    sync      text collate "C" not null,
    side      text collate "C" not null check (side in ('source', 'target')),
    value     text collate "C" not null,
    customers bigint  not null,
    seen_at   bigint  not null,
    primary key (sync, side, value)
);


-- 6. Forgetting people

-- Whom the texts about a customer name besides the customer: another customer, or
-- a record. Customer '' is the sync itself.
create table mentions (
    sync     text collate "C" not null,
    customer text collate "C" not null,
    name     text collate "C" not null,
    primary key (sync, customer, name)
);
create index mentions_of_name on mentions (sync, name);

-- What a source's list may still return of people who were forgotten.
create table forgotten (
    sync  text collate "C" not null,
    hash  text collate "C" not null, -- of an event's id, or of a customer's
    until bigint  not null, -- changes of the customer up to this time are known
    primary key (sync, hash)
);

-- What those hashes are keyed with.
create table hash_keys (
    id       bigint  not null primary key check (id = 1),
    hash_key text collate "C" not null
);


-- 7. Connections

-- What the nodes share about a connection.
create table connections (
    name         text collate "C" not null primary key,
    budget_left  bigint  not null default 0, -- what the tool last said of the calls it allows in a day
    budget_limit bigint  not null default 0,
    budget_at    bigint  not null default 0,
    listed_late  bigint  not null default 0, -- by how many milliseconds its list dates changes too early
    mute         bigint  not null default 0, -- events in a row without a status
    mute_most    bigint  not null default -1 -- the most there were before one with a status, -1 while there was none
);

-- How many webhooks of a connection were refused, for the past hour. Nothing of a
-- sender is kept.
create table refused (
    connection text collate "C" not null,
    refusal    text collate "C" not null, -- why
    minute     bigint  not null, -- when it began
    count      integer not null,
    primary key (connection, refusal, minute)
);

-- What rests: no node calls a connection, or posts to a channel, before
-- paused_until, and calls are spaced.
create table rests (
    kind         text collate "C" not null check (kind in ('connection', 'channel')),
    name         text collate "C" not null,
    paused_until bigint  not null default 0,
    next_slot_us bigint  not null default 0, -- the next call that is not reserved yet
    asked_us     bigint  not null default 0, -- when calls were last reserved; a time ahead of now means that the clock was set back
    primary key (kind, name)
);

-- Work that one node does at a time, and that starts where the one before stopped.
create table turns (
    kind        text collate "C" not null check (kind in ('changes', 'candidates', 'retention', 'health')), -- asking for changes, searching candidates, deleting old data, checking from outside
    name        text collate "C" not null, -- the connection or the sync
    cursor      text collate "C" not null default '', -- where to start
    fence       bigint  not null default 0,
    lease_until bigint  not null default 0,
    holder      bigint  not null default 0,
    taken_at    bigint  not null default 0, -- of one that is under way over several stretches: when the first was
    under_way   integer not null default 0 check (under_way in (0, 1)), -- 1: its cursor was saved and it has not ended
    ended_at    bigint  not null default 0, -- when the last complete turn ended
    ended_from  bigint  not null default 0, -- when that one was taken
    -- Of a list of changes, for people: what was read of it, and what the last complete one had.
    begun_at      bigint  not null default 0, -- when the one that is read, or was read last, began
    from_at       bigint  not null default 0, -- from when on changes are asked for, 0: unknown
    pages         bigint  not null default 0,
    records       bigint  not null default 0,
    changes       bigint  not null default 0, -- that were not stored already
    ended_begun   bigint  not null default 0,
    ended_pages   bigint  not null default 0,
    ended_records bigint  not null default 0,
    ended_changes bigint  not null default 0,
    stopped_by    text collate "C" not null default '', -- why the last attempt read no further; '': it did
    stopped_at    bigint  not null default 0,
    stopped_until bigint  not null default 0, -- when it goes on
    primary key (kind, name)
);

-- What an OAuth server gave for a connection, encrypted. One node at a time renews
-- it: a refresh token works once.
create table tokens (
    connection  text collate "C" not null primary key,
    sealed      text collate "C" not null default '',
    fence       bigint  not null default 0,
    lease_until bigint  not null default 0,
    holder      bigint  not null default 0,
    changed_at  bigint  not null default 0
);

-- Who was sent to a tool's consent and is expected back, one for each connection. Only
-- the hash of the state is kept, and the code that came back encrypted until it is used.
create table consents (
    connection text collate "C" not null primary key,
    state      text collate "C" not null,
    until_at   bigint  not null,
    sealed     text collate "C" not null default ''
);


-- 8. Nodes, and who may use the API and the pages

-- The nodes that run, and the trueup.yaml that each runs on.
create table nodes (
    name        text collate "C" not null primary key,
    version     text collate "C" not null,
    started_at  bigint  not null,
    seen_at     bigint  not null,
    file_at     bigint  not null default 0,
    file_hash   text collate "C" not null default '',
    file_faults text collate "C" not null default '', -- why a newer file is not used, as JSON
    faults_at   bigint  not null default 0,
    unsent      text collate "C" not null default '' -- why its last heartbeat was not sent
);

-- The processes that hold leases, so that those of a dead one can be ended early.
create table processes (
    id       bigint  not null primary key,
    began_at bigint  not null,
    seen_at  bigint  not null
);

-- Who may use the API. Only the hash of a token is kept. A name is used once, also
-- after its token is revoked: what was done with it stays under that name.
create table api_tokens (
    id           bigint generated always as identity primary key,
    name         text collate "C" not null unique,
    role         text collate "C" not null check (role in ('viewer', 'operator', 'admin')),
    hash         text collate "C" not null unique,
    created_at   bigint  not null,
    created_by   text collate "C" not null,
    last_used_at bigint  not null default 0,
    revoked_at   bigint  not null default 0
);

-- Who may use the pages. The password is its argon2id hash; the subject is the person
-- as an OpenID provider knows it.
create table persons (
    id           bigint generated always as identity primary key,
    name         text collate "C" not null,
    email        text collate "C" not null unique, -- in lower case
    role         text collate "C" not null check (role in ('viewer', 'operator', 'admin')),
    password     text collate "C" not null default '',
    subject      text collate "C" not null default '',
    created_at   bigint  not null,
    created_by   text collate "C" not null,
    last_seen_at bigint  not null default 0
);
create unique index persons_by_subject on persons (subject) where subject <> '';

-- Who is signed in. Only the hash of a session's token is kept. What has ended stays
-- for a while, so that the person can be told why.
create table sessions (
    hash      text collate "C" not null primary key,
    person    bigint  not null,
    device    text collate "C" not null, -- such as Chrome on macOS
    began_at  bigint  not null,
    seen_at   bigint  not null,
    ended_at  bigint  not null default 0,
    ended_why text collate "C" not null default '' check (ended_why in ('', 'signed_out', 'everywhere', 'role', 'password', 'removed'))
);
create index sessions_of_person on sessions (person, ended_at);

-- Links that let a person in once: the first person, or one who is known and chooses
-- a password.
create table sign_in_links (
    hash     text collate "C" not null primary key,
    kind     text collate "C" not null check (kind in ('first', 'person')),
    person   bigint  not null default 0,
    made_at  bigint  not null,
    made_by  text collate "C" not null,
    until_at bigint  not null,
    used_at  bigint  not null default 0
);

-- Attempts to sign in that failed: of an account, from an address, and from an address
-- that an account has been used from. Both are hashes.
create table sign_in_attempts (
    kind        text collate "C" not null check (kind in ('account', 'address', 'pair')),
    hash        text collate "C" not null,
    failed      bigint  not null,
    last_at     bigint  not null,
    free_at     bigint  not null default 0, -- when the next attempt is allowed
    known_until bigint  not null default 0, -- the person signed in from there
    primary key (kind, hash)
);

-- The latest sign that this database, and not an older copy of it, is the one at work.
create table marks (
    id        bigint  not null primary key check (id = 1),
    beats     bigint  not null default 0,  -- how often a process said that it works here
    seen_at   bigint  not null default 0,  -- when it last did
    place     text collate "C" not null default '', -- where a PostgreSQL server keeps it
    copied_at bigint  not null default 0   -- of a copy that has not been at work: when it was made
);

-- What was found when Trueup was last looked at from outside, and the key with which
-- it proves that an answer is its own.
create table health (
    id         bigint  not null primary key check (id = 1),
    round_key  text collate "C" not null,
    found      text collate "C" not null default '', -- JSON
    checked_at bigint  not null default 0
);

-- Since when a credential of the configuration is used. The digest is salted with
-- round_key, and slow to make.
create table credentials (
    digest     text collate "C" not null primary key,
    first_used bigint  not null
);

-- What a readiness check writes: as much as an event with its payload.
create table probe (
    id     bigint  not null primary key,
    filler text collate "C" not null
);
