-- What a comparison has read, page by page, and what its match rules found, batch
-- by batch, in the order of seq. It is only appended to; whoever goes on with the
-- comparison reads it once. records is JSON.
create table sweep_pages (
    sweep   bigint not null,
    seq     bigint not null,
    side    text not null check (side in ('source', 'target', 'taken')),
    read_at bigint not null,
    records text not null,
    primary key (sweep, seq)
);

-- What comparisons under way had read is dropped, so none of them may go on.
update sweeps set phase = 'failed', failure = 'Trueup was upgraded', ended_at = (extract(epoch from now()) * 1000)::bigint, lease_until = 0
where phase not in ('done', 'failed');

drop table sweep_keys;
drop table sweep_targets;
drop table sweep_sources;
