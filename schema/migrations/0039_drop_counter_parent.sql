alter table child_counters drop foreign key if exists fk_counter_parent;
