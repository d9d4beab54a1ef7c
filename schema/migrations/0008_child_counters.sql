-- The last number given to a child of an issue (`parent.N`).
create table if not exists child_counters (
    parent_id  varchar(255) primary key,
    last_child int not null default 0,
    constraint fk_counter_parent foreign key (parent_id) references issues (id) on delete cascade
);
