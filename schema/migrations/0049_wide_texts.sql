alter table issues
    modify column description longtext not null,
    modify column design longtext not null,
    modify column acceptance_criteria longtext not null,
    modify column notes longtext not null,
    modify column close_reason longtext default '';
alter table wisps
    modify column description longtext not null default '',
    modify column design longtext not null default '',
    modify column acceptance_criteria longtext not null default '',
    modify column notes longtext not null default '',
    modify column close_reason longtext default '';
alter table comments modify column text longtext not null;
