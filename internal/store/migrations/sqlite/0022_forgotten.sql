-- Whom the sentences about a customer name besides the customer: an id of another
-- customer or of a record. Customer '' is the sync itself.
create table mentions (
    sync     text not null,
    customer text not null,
    name     text not null,
    primary key (sync, customer, name)
) strict;
create index mentions_of_name on mentions (sync, name);

-- What a list may still tell of people who were forgotten: a hash of an event's id,
-- or of a customer's, whose changes up to a time are known.
create table forgotten (
    sync  text   not null,
    hash  text   not null,
    until integer not null,
    primary key (sync, hash)
) strict;

-- What the hashes are keyed with.
create table hash_keys (
    id       integer not null primary key check (id = 1),
    hash_key text   not null
) strict;
