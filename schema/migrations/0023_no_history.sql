alter table issues add column if not exists no_history tinyint(1) default 0;
alter table wisps add column if not exists no_history tinyint(1) default 0;
