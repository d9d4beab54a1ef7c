-- Edges between issues, first shape: keyed by both ends (0041 and 0043 give it its present one).
create table if not exists dependencies (
    issue_id      varchar(255) not null,
    depends_on_id varchar(255) not null,
    type          varchar(32) not null default 'blocks',
    created_at    datetime not null default current_timestamp,
    created_by    varchar(255) not null,
    metadata      json default (json_object()),
    thread_id     varchar(255) default '',
    primary key (issue_id, depends_on_id),
    index idx_dependencies_issue (issue_id),
    index idx_dependencies_depends_on (depends_on_id),
    index idx_dependencies_depends_on_type (depends_on_id, type),
    index idx_dependencies_thread (thread_id),
    constraint fk_dep_issue foreign key (issue_id) references issues (id) on delete cascade
);
