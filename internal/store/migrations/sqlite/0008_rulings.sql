-- How often a customer's source has changed, so that what is ignored until it
-- changes comes back when it has returned to the same value meanwhile.
alter table customers add column source_changes integer not null default 0;
alter table exceptions add column source_changes integer not null default 0;

-- What was asked under a key, and the answer: the same request sent once more
-- gets it again, whatever has happened since. Both texts are hashes.
create table requests (
    request_key text   not null primary key,
    asked       text   not null,
    changed     integer not null check (changed in (0, 1)),
    done_at     integer not null
) strict;
drop index actions_by_key;
alter table actions drop column request_key;
