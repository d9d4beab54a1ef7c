-- The audit trail of each issue.
create table if not exists events (
    id         char(36) not null primary key default (uuid()),
    issue_id   varchar(255) not null,
    event_type varchar(32) not null,
    actor      varchar(255) not null,
    old_value  text,
    new_value  text,
    comment    text,
    created_at datetime not null default current_timestamp,
    index idx_events_issue (issue_id),
    index idx_events_created_at (created_at),
    constraint fk_events_issue foreign key (issue_id) references issues (id) on delete cascade
);
