-- When calls of a connection were reserved the last time: a time ahead of now
-- says that the clock was set back, and by how much.
alter table connections add column asked_us bigint not null default 0;
