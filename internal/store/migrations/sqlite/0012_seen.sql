-- What a comparison saw a source say of a customer of whom nothing had been
-- carried yet. An event that comes later can then be told from a change.
create table seen (
    sync     text    not null,
    customer text    not null,
    value    text    not null,
    seen_at  integer not null,
    primary key (sync, customer)
) strict;
