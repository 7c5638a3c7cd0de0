-- When the record had been edited last, by the target's clock, as a write of
-- ours left: an edit after that may have put back what our write had changed.
alter table intents add column prior_at bigint not null default 0;
