/*
 * Definitions of tables, from SQL text to the bytes of the schema. The addresses were read from
 * databases in which Dolt 1.88 had executed the same statements in the same order.
 */
#include "tests/unit/ddl_help.h"

static void tables_that_dolt_made(void **state) {
    (void)state;
    static const struct known_schema list[] = {
        {"CREATE TABLE plain (pk int primary key, c1 int)", "aq32uj530pf9cv0lqh1e96si7l4r0p7i"},
        {"CREATE TABLE types (id bigint unsigned not null auto_increment, a tinyint, b tinyint(1) "
         "unsigned, c smallint unsigned, d mediumint, e int(11), f float, g double, h "
         "decimal(12,3), i char(3), j varchar(20), k binary(4), l varbinary(8), m tinytext, n "
         "text, o mediumtext, p longtext, q blob, r longblob, s json, t date, u datetime, v "
         "datetime(3), w timestamp, x time, y year, z enum('a','b''c'), aa set('x','y'), ab "
         "bit(9), ac bool, primary key (id))",
         "c7f9omtk00r3nvvnlor3328fpjbplk75"},
        {"CREATE TABLE `Mixed-Case` (`Key` varchar(10) not null primary key, `select` int, "
         "`back``tick` text) COMMENT='it''s a \"comment\"'",
         "js37s04nalpejri2bvh4ldqlf6h6cvut"},
        {"CREATE TABLE compound (a int, b varchar(20), c int, d text, primary key (c, a), key "
         "by_b (b), unique key u_d (d(20)), index (b, c desc), index second (c) comment 'why')",
         "4bm7dmdd54k8a7r3gtvib9q34tusk45t"},
        {"CREATE TABLE keyless (a int, b text, key (a))", "bhkhs72trgodcho30ho512q27v01ol4b"},
        {"CREATE TABLE defaults (id char(36) default (UUID()) primary key, a varchar(20) default "
         "'it''s \\\\ x', b int default '5', c int default -2, d tinyint(1) default true, e double "
         "default 1.50, f decimal(10,2) default 1.5, g datetime default now(), h datetime(6) "
         "default current_timestamp(6) on update current_timestamp(6), i json default "
         "(json_object('k', 1)), j text default (''), k varchar(20) default null, l int default "
         "(1+2*3), m varchar(10) default 5, n enum('a','b') default 'b', o datetime default "
         "'2020-01-01', p bit(4) default b'101', q year default 2020, r varchar(99) default "
         "(concat('a', upper('b'))))",
         "9oad4cs5sapdgee40u4ve0umnn8qr6gq"},
        {"CREATE TABLE updates (id int primary key, t timestamp not null default "
         "current_timestamp on update current_timestamp comment 'when')",
         "s25bqpgqtuhdmunacb1a8pbl3f7qnbds"},
        {"CREATE TABLE checks (id int primary key, a int, b varchar(20), c text, CONSTRAINT one "
         "CHECK ((a IS NOT NULL) + (b IS NOT NULL) + (c IS NOT NULL) = 1), CONSTRAINT two CHECK "
         "(a > 1 and b = 'x' or not (c like 'y%' and a in (1,2,3))) NOT ENFORCED, CONSTRAINT "
         "three CHECK (length(trim(b)) between 1 and 10 and a <> 3 and coalesce(a,b) is not null))",
         "2vkbu7n49rgllrsd9b3q5anl7t4jua07"},
        {"CREATE TABLE generated_columns (id int primary key, a int, b varchar(20), s varchar(40) "
         "generated always as (coalesce(b, 'none')) stored, v int as (a + 1), key (s))",
         "lmo6mni14se8ai3v0v660lb6vp14u2ct"},
        {"CREATE TABLE collated (id varchar(64) collate utf8mb4_0900_ai_ci primary key, a "
         "varchar(10), b varchar(10) character set latin1, c text collate utf8mb4_bin) default "
         "charset=utf8mb4 collate=utf8mb4_unicode_ci",
         "9udopicm1q1fubv2u3fpkofrjn0c02ec"},
        {"CREATE TABLE spatial_table (id int primary key, p point not null srid 4326, g geometry)",
         "3024fdvodlvbj152fps36i9pduf64bpb"},
    };
    help_check_schemas(list, sizeof list / sizeof *list);
}

/* The tracker's own tables at one point of its history. */
static void tables_of_the_tracker(void **state) {
    (void)state;
    static const struct known_schema list[] = {
        {"CREATE TABLE issues (id varchar(255) PRIMARY KEY, content_hash varchar(64), title "
         "varchar(500) NOT NULL, description text NOT NULL, design text NOT NULL, "
         "acceptance_criteria text NOT NULL, notes text NOT NULL, status varchar(32) NOT NULL "
         "DEFAULT 'open', priority int NOT NULL DEFAULT 2, issue_type varchar(32) NOT NULL "
         "DEFAULT 'task', assignee varchar(255), estimated_minutes int, created_at datetime NOT "
         "NULL DEFAULT current_timestamp, created_by varchar(255) DEFAULT '', owner varchar(255) "
         "DEFAULT '', updated_at datetime NOT NULL DEFAULT now() ON UPDATE now(), closed_at "
         "datetime, closed_by_session varchar(255) DEFAULT '', external_ref varchar(255), spec_id "
         "varchar(1024), compaction_level int DEFAULT 0, compacted_at datetime, "
         "compacted_at_commit varchar(64), original_size int, sender varchar(255) DEFAULT '', "
         "ephemeral bool DEFAULT false, wisp_type varchar(32) DEFAULT '', pinned bool DEFAULT 0, "
         "is_template bool DEFAULT 0, mol_type varchar(32) DEFAULT '', work_type varchar(32) "
         "DEFAULT 'mutex', source_system varchar(255) DEFAULT '', metadata json DEFAULT "
         "(JSON_OBJECT()), source_repo varchar(512) DEFAULT '', close_reason text DEFAULT '', "
         "event_kind varchar(32) DEFAULT '', actor varchar(255) DEFAULT '', target varchar(255) "
         "DEFAULT '', payload text DEFAULT '', await_type varchar(32) DEFAULT '', await_id "
         "varchar(255) DEFAULT '', timeout_ns bigint DEFAULT 0, waiters text DEFAULT '', "
         "hook_bead varchar(255) DEFAULT '', role_bead varchar(255) DEFAULT '', agent_state "
         "varchar(32) DEFAULT '', last_activity datetime, role_type varchar(32) DEFAULT '', rig "
         "varchar(255) DEFAULT '', due_at datetime, defer_until datetime, no_history bool DEFAULT "
         "0, started_at datetime, KEY idx_issues_status (status), KEY idx_issues_priority "
         "(priority), KEY idx_issues_issue_type (issue_type), KEY idx_issues_assignee (assignee), "
         "KEY idx_issues_created_at (created_at), KEY idx_issues_spec_id (spec_id), KEY "
         "idx_issues_external_ref (external_ref))",
         "jkhj4b1eri4mmohutdorvrljhnro0vl1"},
        {"CREATE TABLE dependencies (issue_id varchar(255) NOT NULL, depends_on_id varchar(255) "
         "NOT NULL, type varchar(32) NOT NULL DEFAULT 'blocks', created_at datetime NOT NULL "
         "DEFAULT now(), created_by varchar(255) NOT NULL, metadata json DEFAULT (json_object()), "
         "thread_id varchar(255) DEFAULT '', PRIMARY KEY (issue_id, depends_on_id), KEY "
         "idx_dependencies_issue (issue_id), KEY idx_dependencies_depends_on (depends_on_id), KEY "
         "idx_dependencies_depends_on_type (depends_on_id, type), KEY idx_dependencies_thread "
         "(thread_id))",
         "9a4oe94uv8dbpi3ulalr4n4d6sembhlv"},
        {"CREATE TABLE labels (issue_id varchar(255) NOT NULL, label varchar(255) NOT NULL, "
         "PRIMARY KEY (issue_id, label), KEY idx_labels_label (label))",
         "2609vh6eub45is0ans77et252vl6fduj"},
        {"CREATE TABLE comments (id char(36) NOT NULL PRIMARY KEY DEFAULT (UUID()), issue_id "
         "varchar(255) NOT NULL, author varchar(255) NOT NULL, text text NOT NULL, created_at "
         "datetime NOT NULL DEFAULT current_timestamp(), KEY idx_comments_issue (issue_id), KEY "
         "idx_comments_created_at (created_at))",
         "mrk6g38vs5ot2l6722b2i4ourgb3b0a7"},
        {"CREATE TABLE events (id char(36) PRIMARY KEY DEFAULT (uuid()), issue_id varchar(255) "
         "NOT NULL, event_type varchar(32) NOT NULL, actor varchar(255) NOT NULL, old_value text, "
         "new_value text, comment text, created_at datetime NOT NULL DEFAULT now(), KEY "
         "idx_events_issue (issue_id), KEY idx_events_created_at (created_at))",
         "74ug0n8187vgt2s0kc6g0f3skiiuvj6q"},
        {"CREATE TABLE config (`key` varchar(255) PRIMARY KEY, value text NOT NULL)",
         "3gmsv836e82au61gu7c0esd3vfjimbk8"},
        {"CREATE TABLE metadata (`key` varchar(255) PRIMARY KEY, value text NOT NULL)",
         "h881c8ffih9jj7asd5mds45dkms7nrih"},
        {"CREATE TABLE child_counters (parent_id varchar(255) PRIMARY KEY, last_child int NOT "
         "NULL DEFAULT 0)",
         "khhvpfdi633otl2u8k0ng55et7f25k23"},
        {"CREATE TABLE issue_snapshots (id char(36) PRIMARY KEY DEFAULT (uuid()), issue_id "
         "varchar(255) NOT NULL, snapshot_time datetime NOT NULL, compaction_level int NOT NULL, "
         "original_size int NOT NULL, compressed_size int NOT NULL, original_content text NOT "
         "NULL, archived_events text, KEY idx_snapshots_issue (issue_id), KEY idx_snapshots_level "
         "(compaction_level))",
         "fdu2gclo8a8aa26lvgejk21rspouo68a"},
        {"CREATE TABLE compaction_snapshots (id char(36) PRIMARY KEY DEFAULT (uuid()), issue_id "
         "varchar(255) NOT NULL, compaction_level int NOT NULL, snapshot_json blob NOT NULL, "
         "created_at datetime NOT NULL DEFAULT now(), KEY idx_comp_snap_issue (issue_id, "
         "compaction_level, created_at DESC))",
         "u8eupthu3q48id69rs1r7uchrutcp3uv"},
        {"CREATE TABLE repo_mtimes (repo_path varchar(512) PRIMARY KEY, jsonl_path varchar(512) "
         "NOT NULL, mtime_ns bigint NOT NULL, last_checked datetime NOT NULL DEFAULT now(), KEY "
         "idx_repo_mtimes_checked (last_checked))",
         "b7qjpd2os489lqq14ttc1a83lufguslt"},
        {"CREATE TABLE routes (prefix varchar(32) PRIMARY KEY, path varchar(512) NOT NULL, "
         "created_at datetime NOT NULL DEFAULT now(), updated_at datetime NOT NULL DEFAULT now() "
         "ON UPDATE now())",
         "ffflsbedsvoijanj9nt89m5b3kd4l9ph"},
        {"CREATE TABLE issue_counter (prefix varchar(255) PRIMARY KEY, last_id int NOT NULL "
         "DEFAULT 0)",
         "v7dvv2nscubf3pfbjk1t7906klkkde51"},
        {"CREATE TABLE interactions (id varchar(32) PRIMARY KEY, kind varchar(64) NOT NULL, "
         "created_at datetime NOT NULL, actor varchar(255), issue_id varchar(255), model "
         "varchar(255), prompt text, response text, error text, tool_name varchar(255), exit_code "
         "int, parent_id varchar(32), label varchar(64), reason text, extra json, KEY "
         "idx_interactions_kind (kind), KEY idx_interactions_created_at (created_at), KEY "
         "idx_interactions_issue_id (issue_id), KEY idx_interactions_parent_id (parent_id))",
         "en929tsk4998317m2p3kn5gcvg8ltr7a"},
        {"CREATE TABLE federation_peers (name varchar(255) PRIMARY KEY, remote_url varchar(1024) "
         "NOT NULL, username varchar(255), password_encrypted blob, sovereignty varchar(8) "
         "DEFAULT '', last_sync datetime, created_at datetime NOT NULL DEFAULT now(), updated_at "
         "datetime NOT NULL DEFAULT now() ON UPDATE now(), KEY idx_federation_peers_sovereignty "
         "(sovereignty))",
         "dvlqo4jd9fh6lj13nkjoqk51bc9fissc"},
        {"CREATE TABLE custom_statuses (name varchar(64) PRIMARY KEY, category varchar(32) NOT "
         "NULL DEFAULT 'unspecified')",
         "9ggk8dsmomc8rjematjd05p25ehhbso7"},
        {"CREATE TABLE custom_types (name varchar(64) PRIMARY KEY)",
         "b5oam55j01tsomqla78hpl3t3gg5tm4o"},
        {"CREATE TABLE local_metadata (`key` varchar(255) PRIMARY KEY, value text NOT NULL "
         "DEFAULT '')",
         "pfsd9u4amosvbeo3iatanami026j49s0"},
        {"CREATE TABLE schema_migrations (version int PRIMARY KEY)",
         "04jlefh813c23e63nr1ib8a7684h2th5"},
        {"CREATE TABLE wisp_labels (issue_id varchar(255) NOT NULL, label varchar(255) NOT NULL, "
         "PRIMARY KEY (issue_id, label), KEY idx_wisp_labels_label (label))",
         "bed6olrh5vqnjp9pdejisv62g3a3cjp4"},
    };
    help_check_schemas(list, sizeof list / sizeof *list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_that_dolt_made),
        cmocka_unit_test(tables_of_the_tracker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
