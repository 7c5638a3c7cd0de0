-- Why: a code and its facts, as JSON. A row from before keeps its sentence.
alter table events add column reason_code text not null default '';
alter table events add column reason_facts text not null default '';
alter table customers add column reason_code text not null default '';
alter table customers add column reason_facts text not null default '';
alter table decisions add column reason_code text not null default '';
alter table decisions add column reason_facts text not null default '';
alter table exceptions add column reason_code text not null default '';
alter table exceptions add column reason_facts text not null default '';
alter table plan_rows add column reason_code text not null default '';
alter table plan_rows add column reason_facts text not null default '';
