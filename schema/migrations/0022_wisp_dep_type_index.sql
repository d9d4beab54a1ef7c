create index if not exists idx_wisp_dep_type on wisp_dependencies (type);
