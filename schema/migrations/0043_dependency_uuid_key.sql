alter table dependencies drop foreign key if exists fk_dep_depends_on;
alter table dependencies drop foreign key if exists fk_dep_issue_target;
alter table dependencies drop foreign key if exists fk_dep_issue;
alter table dependencies
    drop index if exists idx_dep_type_target,
    drop index if exists idx_dependencies_depends_on,
    drop index if exists idx_dependencies_depends_on_type,
    drop primary key,
    drop column if exists depends_on_id,
    add column id char(36) not null default (uuid()) primary key first;
create index if not exists idx_dep_wisp_target on dependencies (depends_on_wisp_id);
create index if not exists idx_dep_issue_target on dependencies (depends_on_issue_id);
create index if not exists idx_dep_external_target on dependencies (depends_on_external);
alter table dependencies
    add unique key uk_dep_issue_target (issue_id, depends_on_issue_id),
    add unique key uk_dep_wisp_target (issue_id, depends_on_wisp_id),
    add unique key uk_dep_external_target (issue_id, depends_on_external);
create index if not exists idx_dep_type_issue on dependencies (type, depends_on_issue_id);
create index if not exists idx_dep_type_wisp on dependencies (type, depends_on_wisp_id);
create index if not exists idx_dep_type_external on dependencies (type, depends_on_external);
alter table dependencies drop check if exists ck_dep_one_target;
alter table dependencies add constraint ck_dep_one_target check ((depends_on_issue_id is not null) + (depends_on_wisp_id is not null) + (depends_on_external is not null) = 1);
alter table dependencies add constraint fk_dep_issue foreign key (issue_id) references issues (id) on delete cascade on update cascade;
alter table dependencies add constraint fk_dep_issue_target foreign key (depends_on_issue_id) references issues (id) on delete cascade on update cascade;
