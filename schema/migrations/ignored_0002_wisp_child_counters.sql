-- The table is made under another name first: its column tags come from that name.
create table __temp__wisp_child_counters (
    parent_id  varchar(255) primary key,
    last_child int not null default 0
);
rename table __temp__wisp_child_counters to wisp_child_counters;
alter table child_counters drop foreign key if exists fk_counter_parent;
alter table child_counters add constraint fk_counter_parent foreign key (parent_id) references issues (id) on delete cascade on update cascade;
