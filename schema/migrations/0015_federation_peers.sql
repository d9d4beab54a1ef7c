create table if not exists federation_peers (
    name               varchar(255) primary key,
    remote_url         varchar(1024) not null,
    username           varchar(255),
    password_encrypted blob,
    sovereignty        varchar(8) default '',
    last_sync          datetime,
    created_at         datetime not null default current_timestamp,
    updated_at         datetime not null default current_timestamp on update current_timestamp,
    index idx_federation_peers_sovereignty (sovereignty)
);
