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
    seq          integer primary key autoincrement, -- the order of arrival
    connection   text    not null,
    sync         text    not null,
    side         text    not null check (side in ('source', 'target')),
    event_id     text    not null, -- the tool's own id
    customer     text    not null, -- for side 'target': the id of the record
    value        text    not null, -- the status as the tool spells it
    has_value    integer not null check (has_value in (0, 1)),
    occurred_at  integer not null, -- when the change happened, by the tool's clock
    received_at  integer not null,
    unchanged_at integer not null default 0, -- until when the source is known to have had its previous value
    payload      blob    not null, -- empty once it is deleted
    listed       integer not null default 0 check (listed in (0, 1)), -- it was found by polling and never sent by the tool
    replay_of    integer not null default 0, -- seq of the event that this one replays
    replayed_by  text    not null default '',
    outcome      text    not null check (outcome in ('', 'applied', 'already_equal', 'would_write', 'superseded', 'held', 'parked', 'ignored')),
    reason       text    not null,
    reason_code  text    not null default '',
    reason_facts text    not null default '',
    settled_at   integer not null,
    unique (connection, event_id, sync) -- a repeat changes nothing
) strict;
create index events_of_customer on events (sync, customer, seq);
create index events_waiting on events (sync, customer, seq) where outcome = '';
create index events_heard on events (sync, listed, received_at) where side = 'source' and replay_of = 0;
create index events_replayed on events (replay_of) where replay_of > 0;

-- The longest silence of a sync's source, and the current one. It is over once
-- heard_at is set.
create table silences (
    sync     text    not null primary key,
    since    integer not null,
    longest  integer not null, -- in milliseconds, before this one
    heard_at integer not null default 0
) strict;


-- 2. Customers, and what is known of each

-- One row for each customer of a sync, with the three values.
create table customers (
    sync                 text    not null,
    customer             text    not null, -- the id in the source

    -- The queue. due_at is null when there is nothing to do.
    generation           integer not null, -- grows with each event; a settlement ends the work of the one it claimed
    due_at               integer,
    fence                integer not null default 0,
    lease_until          integer not null default 0,
    holder               integer not null default 0,
    attempts             integer not null default 0, -- failures in a row
    first_try            integer not null default 0, -- when the first of them was
    owed                 integer not null default 0 check (owed in (0, 1)), -- its change came while the sync was live, and waits until it is live again
    unheard              integer not null default 0 check (unheard in (0, 1)), -- nothing but a comparison has asked for it since the sync went live: people are asked, and its history is left to a plan

    -- Desired: what the source says.
    desired_source_value text    not null default '', -- as the source spells it
    desired_status       text    not null default '', -- in our vocabulary
    desired_value        text    not null default '', -- as the target spells it
    desired_at           integer not null default 0,  -- when the source changed to it
    desired_seen_at      integer not null default 0,
    desired_since        integer not null default 0,  -- since when it has surely been so without a change
    desired_event        text    not null default '', -- the event it was read from
    desired_event_at     integer not null default 0,
    source_changes       integer not null default 0,  -- how often the source was found changed

    -- Observed: what the target held when it was last read.
    observed_status      text    not null default '',
    observed_value       text    not null default '',
    observed_at          integer not null default 0, -- when it was edited, by the target's clock
    observed_by          text    not null default '',
    observed_seen_at     integer not null default 0,
    human_at             integer not null default 0, -- the latest edit by a person that was seen
    target_changes       integer not null default 0, -- how often the target was found changed

    -- Base: what the target was last proven to hold.
    base_known           integer not null default 0 check (base_known in (0, 1)),
    base_record_id       text    not null default '',
    base_status          text    not null default '',
    base_value           text    not null default '',
    base_sent            text    not null default '', -- what was sent, where the target keeps another spelling of it
    base_unverified      integer not null default 0 check (base_unverified in (0, 1)), -- the target cannot show what it holds
    base_by              text    not null default '',
    base_at              integer not null default 0,
    base_seen_at         integer not null default 0,

    -- Ruling: what an owner decided, and what they were shown.
    ruling               text    not null default '' check (ruling in ('', 'ours', 'theirs', 'undone')), -- ours: the source's value; undone: the target's, which a person put back
    ruling_desired       text    not null default '',
    ruling_observed      text    not null default '',
    ruling_record_at     integer not null default 0,
    ruling_until         integer not null default 0, -- 0: until the source changes
    ruling_at            integer not null default 0,
    ruling_by            text    not null default '',

    -- Limits.
    writes               text    not null default '', -- the latest writes, as JSON
    undone               text    not null default '', -- writes that were gone at the next read, as JSON
    moved_at             integer not null default 0,  -- the latest write that counts toward mass_change
    halted               text    not null default '' check (halted in ('', 'waits', 'passes')), -- a write waits for a person, or a person let it through

    -- The last write that is proven, and what it replaced, for whoever wants it back.
    last_write           text    not null default '', -- as JSON
    tried_at             integer not null default 0,  -- when it was, if a person had it written while the sync only watched; 0 once it is undone

    -- How the latest attempt ended.
    outcome              text    not null default '',
    reason               text    not null default '',
    reason_code          text    not null default '',
    reason_facts         text    not null default '',
    settled_at           integer not null default 0,
    email                text    not null default '', -- in lower case, to find the customer by
    name                 text    not null default '', -- for people to know the customer by
    sought               text    not null default '', -- the name in lower case, to find the customer by its beginning
    primary key (sync, customer)
) strict;
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
    sync     text    not null,
    customer text    not null,
    value    text    not null,
    seen_at  integer not null,
    primary key (sync, customer)
) strict;

-- Which record of the target is the customer.
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
create index links_of_rule on links (sync, rule);

-- Each change of a link. A target of '' means that there was no link, or is none.
create table link_history (
    id         integer primary key autoincrement,
    sync       text    not null,
    customer   text    not null,
    old_target text    not null,
    new_target text    not null,
    changed_at integer not null,
    why        text    not null,
    who        text    not null
) strict;
create index link_history_of_customer on link_history (sync, customer, id);

-- Writes that were sent, or are about to be, and are not proven yet.
create table intents (
    id        integer primary key autoincrement,
    sync      text    not null,
    customer  text    not null,
    record_id text    not null,
    value     text    not null,
    prior     text    not null, -- what the record held when the write was sent
    prior_at  integer not null default 0, -- when it had last been edited then, by the target's clock
    sent_at   integer not null,
    expires   integer not null, -- after this it can no longer arrive
    seen      integer not null default 0 check (seen in (0, 1)), -- its value was read in the record, which someone else may have set
    accepted  integer not null default 0 check (accepted in (0, 1)) -- the tool answered that it was done, and does not show it yet
) strict;
create index intents_of_customer on intents (sync, customer, id);

-- The history of a customer: one row for each attempt that decided something.
create table decisions (
    id           integer primary key autoincrement,
    sync         text    not null,
    customer     text    not null,
    made_at      integer not null,
    action       text    not null,
    reason       text    not null,
    reason_code  text    not null default '',
    reason_facts text    not null default '',
    table_row    integer not null, -- of the decision table, 0 when it was not asked
    stage        text    not null,
    outcome      text    not null,
    kind         text    not null, -- of the exception that was opened
    target_id    text    not null,
    desired      text    not null,
    observed     text    not null,
    base         text    not null,
    desired_at   integer not null,
    observed_at  integer not null,
    observed_by  text    not null,
    confidence   real    not null,
    events       integer not null, -- how many events it settled
    config       text    not null default '' -- the digest of the configuration, '' when none was asked
) strict;
create index decisions_of_customer on decisions (sync, customer, id);


-- 3. What people must look at, and how they are notified

-- One row for each sync, customer and kind. Customer '' is the sync itself.
create table exceptions (
    id             integer primary key autoincrement,
    sync           text    not null,
    customer       text    not null,
    kind           text    not null,
    stage          text    not null,
    cause          text    not null default '', -- exceptions of one cause are one group
    reason         text    not null,
    reason_code    text    not null default '',
    reason_facts   text    not null default '',
    source_value   text    not null,
    target_value   text    not null,
    last_action    text    not null,
    confidence     real    not null,
    candidates     text    not null, -- records that may be the customer, as JSON
    troubles       text    not null default '[]', -- for a whole sync: what is failing, as JSON
    owner          text    not null,
    assigned       integer not null default 0 check (assigned in (0, 1)), -- a person chose the owner
    state          text    not null check (state in ('open', 'acknowledged', 'resolved', 'ignored')),
    ignored        text    not null default '' check (ignored in ('', 'until_change', 'always')),
    dismissed      integer not null default 0 check (dismissed in (0, 1)), -- a person closed it: it stays closed until one side changes
    source_changes integer not null default 0, -- as in customers, when it was last seen
    target_changes integer not null default 0,
    count          integer not null,
    first_seen     integer not null,
    last_seen      integer not null,
    opened_at      integer not null default 0, -- when it last opened or came back
    waits_since    integer not null default 0, -- the later of opened_at and when a person last chose the owner: reminders count from here
    reminded_at    integer not null default 0,
    unique (sync, customer, kind)
) strict;
create index exceptions_open on exceptions (sync, kind, cause, customer, opened_at, last_seen, waits_since, owner, state) where state in ('open', 'acknowledged');
create index exceptions_closed on exceptions (state, sync, kind, id, cause, customer, opened_at, owner) where state in ('ignored', 'resolved');
create index exceptions_alone on exceptions (sync, kind, id) where cause = customer and state in ('open', 'acknowledged'); -- each with a cause of its own
create index exceptions_of_cause on exceptions (sync, kind, cause, id);
create index exceptions_by_number on exceptions (id) where state in ('open', 'acknowledged');
create index exceptions_resolved on exceptions (id) where state = 'resolved';

-- Who did what about an exception.
create table actions (
    id           integer primary key autoincrement,
    exception_id integer not null,
    done_at      integer not null,
    who          text    not null,
    verb         text    not null,
    note         text    not null
) strict;
create index actions_of_exception on actions (exception_id, id);

-- What people and programs did, and when the file was read. Of the acts of a kind that
-- were asked for at once, which have one batch, the first leads: it is the line that
-- people see.
create table activity (
    id           integer primary key autoincrement,
    done_at      integer not null,
    who          text    not null,
    behalf       text    not null, -- whom a token acted for
    way          text    not null check (way in ('', 'page', 'api', 'slack', 'command', 'file')),
    topic        text    not null,
    sync         text    not null,
    customer     text    not null,
    code         text    not null,
    reason_facts text    not null,
    why          text    not null, -- as the person gave it
    batch        text    not null,
    leads        integer not null check (leads in (0, 1))
) strict;
create index activity_of_sync on activity (sync, id) where leads = 1;
create index activity_of_topic on activity (topic, id) where leads = 1;
create index activity_of_who on activity (who, id);
create index activity_of_customer on activity (sync, customer, id) where customer <> '';
create index activity_at on activity (done_at);
create index activity_together on activity (batch, id) where batch <> '';

-- What was asked under an idempotency key, and the answer. Key and request are
-- kept as hashes.
create table requests (
    request_key text    not null primary key,
    asked       text    not null,
    changed     integer not null check (changed in (0, 1)), -- the answer
    done_at     integer not null
) strict;

-- What people are notified of: each row is one message to one recipient, as the file
-- may have it under notify. Where messages can change, it is kept up to date. It must
-- be sent while changed is ahead of told.
create table notices (
    recipient   text    not null default 'slack' check (recipient in ('slack', 'webhook', 'smtp')),
    what        text    not null check (what in ('group', 'reminder', 'recovered', 'silent', 'heard', 'digest', 'flood', 'file', 'alarm')),
    sync        text    not null,
    kind        text    not null,
    cause       text    not null,
    changed     integer not null default 1,
    told        integer not null default 0,
    began_at    integer not null default 0, -- when the oldest change was that is not sent yet
    due_at      integer not null,
    fence       integer not null default 0,
    lease_until integer not null default 0,
    holder      integer not null default 0,
    attempts    integer not null default 0,
    failure     text    not null default '',
    channel     text    not null default '', -- where the message is
    place       text    not null default '', -- its id there
    told_at     integer not null default 0,
    posted_at   integer not null default 0,
    folded_at   integer not null default 0, -- when one message about many took its place
    open        integer not null default 0,  -- how many exceptions it showed as open
    content     text    not null default '', -- a hash of what it said
    gave_up_at  integer not null default 0, -- when what had failed for too long was given up, with its failure
    primary key (recipient, what, sync, kind, cause)
) strict;
create index notices_untold on notices (recipient, due_at) where changed > told;
create index notices_failed on notices (recipient) where failure <> '';
create index notices_of_channel on notices (channel);

-- The alarms that were seen to be on, so that people are notified once of each begin
-- and end. An alarm is on while ended_at is 0.
create table alarms (
    sync     text    not null,
    alarm    text    not null check (alarm in ('silent', 'connection_failed', 'queue_old', 'overdue', 'halted', 'paused')),
    since    integer not null,
    ended_at integer not null default 0,
    primary key (sync, alarm)
) strict;


-- 4. Syncs

-- Whether a sync writes.
create table modes (
    sync       text    not null primary key,
    mode       text    not null check (mode in ('live', 'watch')),
    since      integer not null,          -- since when it writes, 0 while it only watches
    changed_at integer not null default 0, -- since when it has this mode
    before_at  integer not null default 0  -- since when it had the one before, 0 for none
) strict;

-- One row for each sync with a mass_change limit: the lock under which its
-- customers are counted, and since when it is halted.
create table halts (
    sync      text    not null primary key,
    halted_at integer not null default 0
) strict;

-- When and why a person paused a sync. An open pause, ended_at 0, stops its writes.
create table pauses (
    id       integer primary key autoincrement,
    sync     text    not null,
    since    integer not null,
    who      text    not null,
    reason   text    not null,
    ended_at integer not null default 0,
    ended_by text    not null default '',
    plan_first integer not null default 0 check (plan_first in (0, 1)) -- it ends only once a plan was made in it
) strict;
create unique index pauses_open on pauses (sync) where ended_at = 0;

-- Each configuration that a process began to use, when it was another than before.
create table config_readings (
    id       integer primary key autoincrement,
    digest   text    not null,
    read_at  integer not null,
    node     text    not null,
    settings text    not null, -- its values as they are written, without secrets; '' once they are deleted
    secrets  text    not null  -- the paths of secrets that differ from the reading before
) strict;

-- Each changed configuration that a process refused to use.
create table config_refusals (
    id       integer primary key autoincrement,
    digest   text    not null,
    read_at  integer not null,
    node     text    not null,
    faults   text    not null -- where, as JSON: lines and keys only
) strict;

-- The customers that a person keeps Trueup's hands off, and since when, until when and
-- why. An open pin, ended_at 0, is in force until until_at, or without one for good.
create table pins (
    id       integer primary key autoincrement,
    sync     text    not null,
    customer text    not null,
    since    integer not null,
    until_at integer not null default 0,
    who      text    not null,
    reason   text    not null,
    ended_at integer not null default 0,
    ended_by text    not null default ''
) strict;
create unique index pins_open on pins (sync, customer) where ended_at = 0;
create index pins_of_customer on pins (sync, customer);

-- What a sync that only watches would have written, and what happened instead.
create table watched (
    id        integer primary key autoincrement,
    sync      text    not null,
    customer  text    not null,
    target_id text    not null,
    before    text    not null,
    after     text    not null,
    would_at  integer not null,
    verdict   text    not null default '' check (verdict in ('', 'same', 'otherwise', 'overtaken')), -- overtaken: the source changed first
    found     text    not null default '',
    ended_at  integer not null default 0,
    took      integer not null default 0 -- in milliseconds
) strict;
create unique index watched_open on watched (sync, customer) where verdict = '';
create index watched_counts on watched (sync, before, after, verdict, would_at);
create index watched_customers on watched (sync, customer, would_at);
create index watched_latest on watched (sync, id);
create index watched_took on watched (sync, took, would_at) where verdict = 'same';

-- Which account of a tool each side reaches. The links are links of that account.
create table accounts (
    sync     text    not null,
    side     text    not null check (side in ('source', 'target')),
    account  text    not null, -- a hash
    shown    text    not null, -- for people
    noted_at integer not null,
    noted_by text    not null default '',
    primary key (sync, side)
) strict;

-- Under which rules the customers are read: which field of which record. Both are
-- hashes.
create table looks (
    sync   text    not null primary key,
    rules  text    not null,
    target text    not null,
    policy text    not null default '', -- a hash of transitions
    since  integer not null
) strict;

-- The names that the configuration has used. A sync has its two connections here.
create table names (
    kind     text    not null check (kind in ('sync', 'connection')),
    name     text    not null,
    source   text    not null default '',
    target   text    not null default '',
    became   text    not null default '', -- the name that it has now
    ended_at integer not null default 0,  -- when a person removed it
    primary key (kind, name)
) strict;


-- 5. Comparisons of both sides

-- One comparison of all records. phase and the cursors are where to continue.
-- What it read is dropped when it ends; its figures stay.
create table sweeps (
    id               integer primary key autoincrement,
    sync             text    not null,
    purpose          text    not null check (purpose in ('plan', 'sweep')),
    phase            text    not null check (phase in ('source', 'target', 'compare', 'done', 'failed')),
    source_cursor    text    not null default '',
    target_cursor    text    not null default '',
    compared_to      text    not null default '', -- the last customer that was compared
    source_listed    integer not null check (source_listed in (0, 1)), -- the tool can list its records
    target_listed    integer not null check (target_listed in (0, 1)),
    rules            text    not null, -- a hash of the configuration that it was made under
    fence            integer not null default 0,
    lease_until      integer not null default 0,
    holder           integer not null default 0,
    began_at         integer not null,
    ended_at         integer not null default 0,
    failure          text    not null default '',
    hash             text    not null default '', -- of the rows of a plan

    -- Each customer counts once.
    sources          integer not null default 0,
    targets          integer not null default 0,
    agree            integer not null default 0,
    differ           integer not null default 0,
    held             integer not null default 0,
    unmatched_source integer not null default 0,
    unmatched_target integer not null default 0,
    ambiguous        integer not null default 0,
    unmapped         integer not null default 0,
    other            integer not null default 0,
    not_carried      integer not null default 0,
    source_aside     integer not null default 0, -- records of the lists that cannot be read
    target_aside     integer not null default 0,
    asides           text    not null default '', -- the first of them, JSON

    -- Why the two sides had come apart.
    lost_event       integer not null default 0,
    edit_outside     integer not null default 0,
    deleted_record   integer not null default 0,
    vocabulary       integer not null default 0,
    waiting          integer not null default 0, -- changed before the sync went live
    repaired         integer not null default 0
) strict;
create index sweeps_of_sync on sweeps (sync, id);
create index sweeps_of_hash on sweeps (sync, hash) where hash <> '';
create index sweeps_ended on sweeps (sync, ended_at) where phase = 'done';
-- One of each purpose runs at a time.
create unique index sweeps_under_way on sweeps (sync, purpose) where phase not in ('done', 'failed');

-- What a comparison has read, page by page, and the matches that it found. It is
-- only appended to.
create table sweep_pages (
    sweep   integer not null,
    seq     integer not null,
    side    text    not null check (side in ('source', 'target', 'taken')),
    read_at integer not null,
    records text    not null, -- JSON
    primary key (sweep, seq)
) strict;

-- What would change, or needs a person.
create table plan_rows (
    sweep        integer not null,
    customer     text    not null,
    target_id    text    not null,
    name         text    not null default '', -- the customer's, for people
    action       text    not null check (action in ('write', 'hold', 'park')),
    kind         text    not null,
    reason       text    not null,
    reason_code  text    not null default '',
    reason_facts text    not null default '',
    before       text    not null,
    after        text    not null,
    record_at    integer not null default 0, -- when the record was last edited, as it was read
    state        text    not null default '' check (state in ('', 'applied', 'refused', 'failed')), -- what happened to the row when the plan was applied
    note         text    not null default '',
    ended_at     integer not null default 0,
    change       integer not null default 0, -- of plan_changes
    sought       text    not null default '', -- what the row is called, in lower case, to find it by
    primary key (sweep, customer)
) strict;
create index plan_rows_of_change on plan_rows (sweep, change, customer);
create index plan_rows_sought on plan_rows (sweep, sought, customer);
create index plan_rows_ended on plan_rows (sweep, ended_at) where ended_at > 0;
create index plan_rows_not_written on plan_rows (sweep, customer) where state in ('refused', 'failed');

-- The kinds of change in a plan, and how many customers each has. change is a hash of
-- the four columns after it.
create table plan_changes (
    sweep     integer not null,
    change    integer not null,
    action    text    not null,
    kind      text    not null,
    before    text    not null,
    after     text    not null,
    customers integer not null,
    primary key (sweep, change)
) strict;

-- What a person has asked the service to do about a plan. One job of a sync is open,
-- ended_at 0, at a time.
create table plan_jobs (
    id           integer primary key autoincrement,
    sync         text    not null,
    kind         text    not null check (kind in ('make', 'apply')),
    sweep        integer not null default 0,  -- the plan: that is applied, or once it is made
    customers    text    not null default '', -- only these, as JSON
    approved_by  text    not null default '', -- who approves overwriting values that Trueup did not write
    requested_by text    not null,
    requested_at integer not null,
    request_key  text    not null default '', -- the idempotency key, as a hash
    stopped_by   text    not null default '',
    stop_at      integer not null default 0,  -- since when it is to stop
    began_at     integer not null default 0,
    fence        integer not null default 0,
    lease_until  integer not null default 0,
    holder       integer not null default 0,
    waits        text    not null default '', -- the connection that is waited for
    waits_until  integer not null default 0,

    -- Of a plan that is applied.
    total        integer not null default 0, -- the chosen rows
    written      integer not null default 0,
    refused      integer not null default 0,
    failed       integer not null default 0,

    ended_at     integer not null default 0,
    outcome      text    not null default '' check (outcome in ('', 'done', 'stopped', 'failed')),
    failure      text    not null default ''
) strict;
create unique index plan_jobs_open on plan_jobs (sync) where ended_at = 0;
create unique index plan_jobs_of_key on plan_jobs (request_key) where request_key <> '';
create index plan_jobs_of_sync on plan_jobs (sync, id);

-- The values that the last comparison read on each side, and how many have them.
create table vocabulary (
    sync      text    not null,
    side      text    not null check (side in ('source', 'target')),
    value     text    not null,
    customers integer not null,
    seen_at   integer not null,
    primary key (sync, side, value)
) strict;


-- 6. Forgetting people

-- Whom the texts about a customer name besides the customer: another customer, or
-- a record. Customer '' is the sync itself.
create table mentions (
    sync     text    not null,
    customer text    not null,
    name     text    not null,
    primary key (sync, customer, name)
) strict;
create index mentions_of_name on mentions (sync, name);

-- What a source's list may still return of people who were forgotten.
create table forgotten (
    sync  text    not null,
    hash  text    not null, -- of an event's id, or of a customer's
    until integer not null, -- changes of the customer up to this time are known
    primary key (sync, hash)
) strict;

-- What those hashes are keyed with.
create table hash_keys (
    id       integer not null primary key check (id = 1),
    hash_key text    not null
) strict;


-- 7. Connections

-- What the nodes share about a connection.
create table connections (
    name         text    not null primary key,
    budget_left  integer not null default 0, -- what the tool last said of the calls it allows in a day
    budget_limit integer not null default 0,
    budget_at    integer not null default 0,
    listed_late  integer not null default 0, -- by how many milliseconds its list dates changes too early
    mute         integer not null default 0, -- events in a row without a status
    mute_most    integer not null default -1 -- the most there were before one with a status, -1 while there was none
) strict;

-- How many webhooks of a connection were refused, for the past hour. Nothing of a
-- sender is kept.
create table refused (
    connection text    not null,
    refusal    text    not null, -- why
    minute     integer not null, -- when it began
    count      integer not null,
    primary key (connection, refusal, minute)
) strict;

-- What rests: no node calls a connection, or posts to a channel, before
-- paused_until, and calls are spaced.
create table rests (
    kind         text    not null check (kind in ('connection', 'channel')),
    name         text    not null,
    paused_until integer not null default 0,
    next_slot_us integer not null default 0, -- the next call that is not reserved yet
    asked_us     integer not null default 0, -- when calls were last reserved; a time ahead of now means that the clock was set back
    primary key (kind, name)
) strict;

-- Work that one node does at a time, and that starts where the one before stopped.
create table turns (
    kind        text    not null check (kind in ('changes', 'candidates', 'retention', 'health')), -- asking for changes, searching candidates, deleting old data, checking from outside
    name        text    not null, -- the connection or the sync
    cursor      text    not null default '', -- where to start
    fence       integer not null default 0,
    lease_until integer not null default 0,
    holder      integer not null default 0,
    taken_at    integer not null default 0, -- of one that is under way over several stretches: when the first was
    under_way   integer not null default 0 check (under_way in (0, 1)), -- 1: its cursor was saved and it has not ended
    ended_at    integer not null default 0, -- when the last complete turn ended
    ended_from  integer not null default 0, -- when that one was taken
    -- Of a list of changes, for people: what was read of it, and what the last complete one had.
    begun_at      integer not null default 0, -- when the one that is read, or was read last, began
    from_at       integer not null default 0, -- from when on changes are asked for, 0: unknown
    pages         integer not null default 0,
    records       integer not null default 0,
    changes       integer not null default 0, -- that were not stored already
    ended_begun   integer not null default 0,
    ended_pages   integer not null default 0,
    ended_records integer not null default 0,
    ended_changes integer not null default 0,
    stopped_by    text    not null default '', -- why the last attempt read no further; '': it did
    stopped_at    integer not null default 0,
    stopped_until integer not null default 0, -- when it goes on
    primary key (kind, name)
) strict;

-- What an OAuth server gave for a connection, encrypted. One node at a time renews
-- it: a refresh token works once.
create table tokens (
    connection  text    not null primary key,
    sealed      text    not null default '',
    fence       integer not null default 0,
    lease_until integer not null default 0,
    holder      integer not null default 0,
    changed_at  integer not null default 0
) strict;

-- Who was sent to a tool's consent and is expected back, one for each connection. Only
-- the hash of the state is kept, and the code that came back encrypted until it is used.
create table consents (
    connection text    not null primary key,
    state      text    not null,
    until_at   integer not null,
    sealed     text    not null default ''
) strict;


-- 8. Nodes, and who may use the API and the pages

-- The nodes that run, and the trueup.yaml that each runs on.
create table nodes (
    name        text    not null primary key,
    version     text    not null,
    started_at  integer not null,
    seen_at     integer not null,
    file_at     integer not null default 0,
    file_hash   text    not null default '',
    file_faults text    not null default '', -- why a newer file is not used, as JSON
    faults_at   integer not null default 0,
    unsent      text    not null default '' -- why its last heartbeat was not sent
) strict;

-- The processes that hold leases, so that those of a dead one can be ended early.
create table processes (
    id       integer not null primary key,
    began_at integer not null,
    seen_at  integer not null
) strict;

-- Who may use the API. Only the hash of a token is kept. A name is used once, also
-- after its token is revoked: what was done with it stays under that name.
create table api_tokens (
    id           integer primary key autoincrement,
    name         text    not null unique,
    role         text    not null check (role in ('viewer', 'operator', 'admin')),
    hash         text    not null unique,
    created_at   integer not null,
    created_by   text    not null,
    last_used_at integer not null default 0,
    revoked_at   integer not null default 0
) strict;

-- Who may use the pages. The password is its argon2id hash; the subject is the person
-- as an OpenID provider knows it.
create table persons (
    id           integer primary key autoincrement,
    name         text    not null,
    email        text    not null unique, -- in lower case
    role         text    not null check (role in ('viewer', 'operator', 'admin')),
    password     text    not null default '',
    subject      text    not null default '',
    created_at   integer not null,
    created_by   text    not null,
    last_seen_at integer not null default 0
) strict;
create unique index persons_by_subject on persons (subject) where subject <> '';

-- Who is signed in. Only the hash of a session's token is kept. What has ended stays
-- for a while, so that the person can be told why.
create table sessions (
    hash      text    not null primary key,
    person    integer not null,
    device    text    not null, -- such as Chrome on macOS
    began_at  integer not null,
    seen_at   integer not null,
    ended_at  integer not null default 0,
    ended_why text    not null default '' check (ended_why in ('', 'signed_out', 'everywhere', 'role', 'password', 'removed'))
) strict;
create index sessions_of_person on sessions (person, ended_at);

-- Links that let a person in once: the first person, or one who is known and chooses
-- a password.
create table sign_in_links (
    hash     text    not null primary key,
    kind     text    not null check (kind in ('first', 'person')),
    person   integer not null default 0,
    made_at  integer not null,
    made_by  text    not null,
    until_at integer not null,
    used_at  integer not null default 0
) strict;

-- Attempts to sign in that failed: of an account, from an address, and from an address
-- that an account has been used from. Both are hashes.
create table sign_in_attempts (
    kind        text    not null check (kind in ('account', 'address', 'pair')),
    hash        text    not null,
    failed      integer not null,
    last_at     integer not null,
    free_at     integer not null default 0, -- when the next attempt is allowed
    known_until integer not null default 0, -- the person signed in from there
    primary key (kind, hash)
) strict;

-- The latest sign that this database, and not an older copy of it, is the one at work.
create table marks (
    id        integer not null primary key check (id = 1),
    beats     integer not null default 0,  -- how often a process said that it works here
    seen_at   integer not null default 0,  -- when it last did
    place     text    not null default '', -- where a PostgreSQL server keeps it
    copied_at integer not null default 0   -- of a copy that has not been at work: when it was made
) strict;

-- What was found when Trueup was last looked at from outside, and the key with which
-- it proves that an answer is its own.
create table health (
    id         integer not null primary key check (id = 1),
    round_key  text    not null,
    found      text    not null default '', -- JSON
    checked_at integer not null default 0
) strict;

-- Since when a credential of the configuration is used. The digest is salted with
-- round_key, and slow to make.
create table credentials (
    digest     text    not null primary key,
    first_used integer not null
) strict;

-- What a readiness check writes: as much as an event with its payload.
create table probe (
    id     integer not null primary key,
    filler text    not null
) strict;
