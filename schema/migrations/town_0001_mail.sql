-- Messages and channels of a town. No part of upstream's schema.
create table if not exists mail (
    id        varchar(64) primary key,
    thread_id varchar(64),
    from_addr varchar(255),
    to_addrs  json,
    subject   text,
    body      text,
    sent_at   timestamp,
    read_at   timestamp
);
create table if not exists channels (
    id         varchar(64) primary key,
    name       varchar(255),
    type       varchar(32),
    config     json,
    created_at timestamp
);
