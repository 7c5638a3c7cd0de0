-- What a service writes to see that it can: as long as an event with its payload.
create table probe (
    id     bigint not null primary key,
    filler text not null
);
