-- A conflict that a person has closed stays closed while both sides are as they
-- were: how often the target was found changed, and what an exception has of it.
alter table customers add column target_changes integer not null default 0;
alter table exceptions add column target_changes integer not null default 0;
alter table exceptions add column dismissed integer not null default 0 check (dismissed in (0, 1));
