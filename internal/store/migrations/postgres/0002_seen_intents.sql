-- An intent whose value was read in the target is not proved to have arrived:
-- somebody else may have set the same. It stays until it can arrive no more.
alter table intents add column seen bigint not null default 0 check (seen in (0, 1));
