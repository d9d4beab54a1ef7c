create table if not exists repo_mtimes (
    repo_path    varchar(512) primary key,
    jsonl_path   varchar(512) not null,
    mtime_ns     bigint not null,
    last_checked datetime not null default current_timestamp,
    index idx_repo_mtimes_checked (last_checked)
);
