alter table issues drop column if exists quality_score;
alter table issues drop column if exists crystallizes;
alter table wisps drop column if exists quality_score;
alter table wisps drop column if exists crystallizes;
