alter table wisp_labels drop foreign key if exists fk_wisp_labels_issue;
alter table wisp_labels add constraint fk_wisp_labels_issue foreign key (issue_id) references wisps (id) on delete cascade on update cascade;
alter table wisp_events drop foreign key if exists fk_wisp_events_issue;
alter table wisp_events add constraint fk_wisp_events_issue foreign key (issue_id) references wisps (id) on delete cascade on update cascade;
alter table wisp_comments drop foreign key if exists fk_wisp_comments_issue;
alter table wisp_comments add constraint fk_wisp_comments_issue foreign key (issue_id) references wisps (id) on delete cascade on update cascade;
alter table wisp_child_counters drop foreign key if exists fk_wisp_child_counters_parent;
alter table wisp_child_counters add constraint fk_wisp_child_counters_parent foreign key (parent_id) references wisps (id) on delete cascade on update cascade;
