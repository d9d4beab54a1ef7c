-- Which migrations of the main set have run. 0032 drops the second column again.
create table if not exists schema_migrations (
    version    int primary key,
    applied_at datetime not null default current_timestamp
);
