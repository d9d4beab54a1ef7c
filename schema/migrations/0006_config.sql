create table if not exists config (
    `key` varchar(255) primary key,
    value text not null
);
