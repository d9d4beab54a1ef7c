create table if not exists custom_statuses (
    name     varchar(64) primary key,
    category varchar(32) not null default 'unspecified'
);
create table if not exists custom_types (
    name varchar(64) primary key
);
