-- Which trueup.yaml a process runs on, since when, and what is wrong with the one
-- that it was to use instead: JSON, '' for nothing.
alter table nodes add column file_at     bigint not null default 0;
alter table nodes add column file_hash   text   not null default '';
alter table nodes add column file_faults text   not null default '';
alter table nodes add column faults_at   bigint not null default 0;

-- People are told of that, too.
alter table notices drop constraint notices_what_check;
alter table notices add constraint notices_what_check check (what in ('group', 'reminder', 'recovered', 'silent', 'heard', 'digest', 'flood', 'file'));
