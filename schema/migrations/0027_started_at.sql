alter table issues add column if not exists started_at datetime;
alter table wisps add column if not exists started_at datetime;
