-- Which account each side of a sync reaches: what is linked and was seen is of
-- that one. account is a hash, shown is what people are told of it.
create table accounts (
    sync     text   not null,
    side     text   not null check (side in ('source', 'target')),
    account  text   not null,
    shown    text   not null,
    noted_at integer not null,
    noted_by text   not null default '',
    primary key (sync, side)
) strict;
