-- Which migrations of the ignored set have run in this clone.
create table if not exists ignored_schema_migrations (
    version    int primary key,
    applied_at datetime not null default current_timestamp
);
