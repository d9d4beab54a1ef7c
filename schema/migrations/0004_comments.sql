create table if not exists comments (
    id         char(36) not null primary key default (uuid()),
    issue_id   varchar(255) not null,
    author     varchar(255) not null,
    text       text not null,
    created_at datetime not null default current_timestamp,
    index idx_comments_issue (issue_id),
    index idx_comments_created_at (created_at),
    constraint fk_comments_issue foreign key (issue_id) references issues (id) on delete cascade
);
