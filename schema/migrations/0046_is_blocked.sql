-- Cache of `not ready because of a blocker`, kept by every writer.
alter table issues add column if not exists is_blocked tinyint(1) not null default 0;
create index if not exists idx_issues_is_blocked on issues (is_blocked, status);
