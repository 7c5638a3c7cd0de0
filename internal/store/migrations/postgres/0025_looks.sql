-- By which rules the customers of a sync are looked at, and since when: which
-- field of which record a look is about. Both texts are hashes.
create table looks (
    sync   text   not null primary key,
    rules  text   not null,
    target text   not null,
    since  bigint not null
);
