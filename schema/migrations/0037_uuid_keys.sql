-- Only for tables that still count their rows with AUTO_INCREMENT: ids that independent clones cannot give twice.
-- The runner takes the rows out before and puts them back with their new ids.
alter table events
    add column uuid_id char(36) not null default (uuid()),
    modify id bigint not null,
    drop primary key,
    drop column id,
    rename column uuid_id to id,
    add primary key (id);
alter table comments
    add column uuid_id char(36) not null default (uuid()),
    modify id bigint not null,
    drop primary key,
    drop column id,
    rename column uuid_id to id,
    add primary key (id);
alter table issue_snapshots
    add column uuid_id char(36) not null default (uuid()),
    modify id bigint not null,
    drop primary key,
    drop column id,
    rename column uuid_id to id,
    add primary key (id);
alter table compaction_snapshots
    add column uuid_id char(36) not null default (uuid()),
    modify id bigint not null,
    drop primary key,
    drop column id,
    rename column uuid_id to id,
    add primary key (id);
alter table wisp_events
    add column uuid_id char(36) not null default (uuid()),
    modify id bigint not null,
    drop primary key,
    drop column id,
    rename column uuid_id to id,
    add primary key (id);
alter table wisp_comments
    add column uuid_id char(36) not null default (uuid()),
    modify id bigint not null,
    drop primary key,
    drop column id,
    rename column uuid_id to id,
    add primary key (id);
