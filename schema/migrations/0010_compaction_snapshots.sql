create table if not exists compaction_snapshots (
    id               char(36) not null primary key default (uuid()),
    issue_id         varchar(255) not null,
    compaction_level int not null,
    snapshot_json    blob not null,
    created_at       datetime not null default current_timestamp,
    index idx_comp_snap_issue (issue_id, compaction_level, created_at desc),
    constraint fk_comp_snap_issue foreign key (issue_id) references issues (id) on delete cascade
);
