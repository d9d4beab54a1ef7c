alter table events modify old_value longtext;
alter table events modify new_value longtext;
