alter table issues add column if not exists spec_id varchar(1024);
create index if not exists idx_issues_spec_id on issues (spec_id);
