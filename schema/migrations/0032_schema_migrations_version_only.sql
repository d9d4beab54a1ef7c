alter table schema_migrations drop column if exists applied_at;
