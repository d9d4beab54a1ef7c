create table if not exists labels (
    issue_id varchar(255) not null,
    label    varchar(255) not null,
    primary key (issue_id, label),
    index idx_labels_label (label),
    constraint fk_labels_issue foreign key (issue_id) references issues (id) on delete cascade
);
