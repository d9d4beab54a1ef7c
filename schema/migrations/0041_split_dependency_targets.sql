-- One column for each kind of target. The runner fills them from depends_on_id between the first and the
-- second statement; 0043 then drops depends_on_id and keys the table by a uuid.
alter table dependencies
    add column if not exists depends_on_issue_id varchar(255),
    add column if not exists depends_on_wisp_id varchar(255),
    add column if not exists depends_on_external varchar(255);
