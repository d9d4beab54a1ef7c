alter table wisps add column if not exists is_blocked tinyint(1) not null default 0;
create index if not exists idx_wisps_is_blocked on wisps (is_blocked, status);
