-- Running numbers for `issue_id_mode = counter`.
create table if not exists issue_counter (
    prefix  varchar(255) primary key,
    last_id int not null default 0
);
