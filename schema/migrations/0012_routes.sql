create table if not exists routes (
    prefix     varchar(32) primary key,
    path       varchar(512) not null,
    created_at datetime not null default current_timestamp,
    updated_at datetime not null default current_timestamp on update current_timestamp
);
