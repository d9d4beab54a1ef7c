create table if not exists issue_snapshots (
    id               char(36) not null primary key default (uuid()),
    issue_id         varchar(255) not null,
    snapshot_time    datetime not null,
    compaction_level int not null,
    original_size    int not null,
    compressed_size  int not null,
    original_content text not null,
    archived_events  text,
    index idx_snapshots_issue (issue_id),
    index idx_snapshots_level (compaction_level),
    constraint fk_snapshots_issue foreign key (issue_id) references issues (id) on delete cascade
);
