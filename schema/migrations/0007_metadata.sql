create table if not exists metadata (
    `key` varchar(255) primary key,
    value text not null
);
