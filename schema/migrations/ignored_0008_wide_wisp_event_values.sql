alter table wisp_events modify old_value longtext default '';
alter table wisp_events modify new_value longtext default '';
