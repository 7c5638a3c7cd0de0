-- An event that was found by asking for all changes tells until when the
-- customer was as it had been told: when it was last asked before.
alter table events add column unchanged_at bigint not null default 0;
alter table cursors add column began_at bigint not null default 0;
alter table cursors add column listed_at bigint not null default 0;
