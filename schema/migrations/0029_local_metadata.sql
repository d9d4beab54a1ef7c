-- Facts about this clone; never committed (dolt_ignore).
create table if not exists local_metadata (
    `key` varchar(255) primary key,
    value text not null default ''
);
