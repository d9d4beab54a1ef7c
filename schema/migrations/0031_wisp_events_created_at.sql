create index if not exists idx_wisp_events_created_at on wisp_events (created_at);
