-- Who may use the API. Of a token only the hash is kept. A name is given once,
-- also when its token is revoked: what was done with it stays under that name.
create table api_tokens (
    id           bigint generated always as identity primary key,
    name         text   not null unique,
    role         text   not null check (role in ('viewer', 'operator', 'admin')),
    hash         text   not null unique,
    created_at   bigint not null,
    created_by   text   not null,
    last_used_at bigint not null default 0,
    revoked_at   bigint not null default 0
);
