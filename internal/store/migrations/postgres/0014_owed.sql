-- A customer whose change was accepted while its sync was live, and who waits
-- until the sync is live again.
alter table customers add column owed bigint not null default 0 check (owed in (0, 1));
create index customers_owed on customers (sync, customer) where owed = 1;
