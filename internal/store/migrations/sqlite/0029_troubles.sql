-- What fails in an exception about a whole sync, each until it recovers, as JSON.
alter table exceptions add column troubles text not null default '[]';
update exceptions set troubles = json_array(json_object('action', last_action, 'reason', reason)) where customer = '' and kind = 'connection_failed' and state <> 'resolved';
-- Which process is telling a notice or renewing a token, so that a dead one's can
-- be taken back.
alter table notices add column holder integer not null default 0;
alter table tokens add column holder integer not null default 0;
