-- How much earlier than we could have missed it a source dated the newest change
-- that it listed last, in milliseconds: its clock is behind ours, or its list late.
alter table connections add column listed_late bigint not null default 0;
