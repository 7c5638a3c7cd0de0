-- What was sent where the target keeps it in a spelling of its own, and whether
-- the base is one that the target cannot show.
alter table customers add column base_sent text not null default '';
alter table customers add column base_unverified bigint not null default 0 check (base_unverified in (0, 1));
-- The tool has answered that it did this write; it is not shown yet.
alter table intents add column accepted bigint not null default 0 check (accepted in (0, 1));
