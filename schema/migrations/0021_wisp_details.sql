create table if not exists wisp_labels (
    issue_id varchar(255) not null,
    label    varchar(255) not null,
    primary key (issue_id, label),
    index idx_wisp_labels_label (label)
);
create table if not exists wisp_dependencies (
    id                  char(36) not null default (uuid()) primary key,
    issue_id            varchar(255) not null,
    depends_on_issue_id varchar(255),
    depends_on_wisp_id  varchar(255),
    depends_on_external varchar(255),
    type                varchar(32) not null default 'blocks',
    created_at          datetime default current_timestamp,
    created_by          varchar(255) default '',
    metadata            json default (json_object()),
    thread_id           varchar(255) default '',
    unique key uk_wisp_dep_issue_target (issue_id, depends_on_issue_id),
    unique key uk_wisp_dep_wisp_target (issue_id, depends_on_wisp_id),
    unique key uk_wisp_dep_external_target (issue_id, depends_on_external),
    index idx_wisp_dep_type_issue (type, depends_on_issue_id),
    index idx_wisp_dep_type_wisp (type, depends_on_wisp_id),
    index idx_wisp_dep_type_external (type, depends_on_external),
    constraint fk_wisp_dep_issue foreign key (issue_id) references wisps (id) on delete cascade on update cascade,
    constraint fk_wisp_dep_wisp_target foreign key (depends_on_wisp_id) references wisps (id) on delete cascade on update cascade,
    constraint fk_wisp_dep_issue_target foreign key (depends_on_issue_id) references issues (id) on delete cascade on update cascade,
    constraint ck_wisp_dep_one_target check ((depends_on_issue_id is not null) + (depends_on_wisp_id is not null) + (depends_on_external is not null) = 1)
);
create table if not exists wisp_events (
    id         char(36) not null primary key default (uuid()),
    issue_id   varchar(255) not null,
    event_type varchar(32) not null,
    actor      varchar(255) default '',
    old_value  text default '',
    new_value  text default '',
    comment    text default '',
    created_at datetime default current_timestamp,
    index idx_wisp_events_issue (issue_id)
);
create table if not exists wisp_comments (
    id         char(36) not null primary key default (uuid()),
    issue_id   varchar(255) not null,
    author     varchar(255) default '',
    text       text not null,
    created_at datetime default current_timestamp,
    index idx_wisp_comments_issue (issue_id)
);
