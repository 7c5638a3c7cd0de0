-- How many events in a row of a source that is told by events only had no status,
-- and the most that ever were before one had one again, -1 while none ever had one.
alter table connections add column mute bigint not null default 0;
alter table connections add column mute_most bigint not null default -1;
