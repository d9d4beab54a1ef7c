alter table issues add column if not exists wisp_type varchar(32) default '';
