#!/usr/bin/env bats
# Workspaces of the SQLite era: what commands say there, and `bd migrate --to-dolt`.
# (tests/interop/legacy_sqlite.py compares real ones value by value.)

load common
setup() {
    scratch_setup
    git init -q .
    mkdir -m 700 .beads
}
teardown() { scratch_teardown; }

# A small old database: two issues, one of them deleted, a wisp, and what hangs on them.
old_database() {
    sqlite3 .beads/beads.db <<'SQL'
PRAGMA journal_mode=WAL;
CREATE TABLE issues (id TEXT PRIMARY KEY, content_hash TEXT, title TEXT NOT NULL, description TEXT NOT NULL DEFAULT '',
  design TEXT, status TEXT NOT NULL DEFAULT 'open', priority INTEGER NOT NULL DEFAULT 2, issue_type TEXT NOT NULL DEFAULT 'task',
  created_at DATETIME, updated_at DATETIME, closed_at DATETIME, ephemeral INTEGER DEFAULT 0, quality_score REAL,
  relates_to TEXT DEFAULT '', deleted_at DATETIME);
CREATE TABLE dependencies (issue_id TEXT, depends_on_id TEXT, type TEXT, created_at DATETIME, created_by TEXT, metadata TEXT,
  thread_id TEXT, PRIMARY KEY (issue_id, depends_on_id, type));
CREATE TABLE labels (issue_id TEXT, label TEXT, PRIMARY KEY (issue_id, label));
CREATE TABLE comments (id INTEGER PRIMARY KEY, issue_id TEXT, author TEXT, text TEXT, created_at DATETIME);
CREATE TABLE events (id INTEGER PRIMARY KEY, issue_id TEXT, event_type TEXT, actor TEXT, old_value TEXT, new_value TEXT,
  comment TEXT, created_at DATETIME);
CREATE TABLE config (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE metadata (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE export_hashes (issue_id TEXT PRIMARY KEY, content_hash TEXT);
INSERT INTO issues (id, title, created_at, updated_at, quality_score, relates_to) VALUES
  ('o-1', 'first', '2025-11-05T21:32:03.5-07:00', '2025-11-05 21:32:03.123456789 -0700 MST', 0.75, '["o-2"]'),
  ('o-2', 'second', '2025-11-05 10:00:00', '2025-11-05T10:00:00Z', NULL, '');
INSERT INTO issues (id, title, status, created_at, updated_at, deleted_at) VALUES
  ('o-3', 'gone', 'tombstone', '2025-11-05 10:00:00', '2025-11-05 10:00:00', '2025-11-06 10:00:00');
INSERT INTO issues (id, title, ephemeral, created_at, updated_at) VALUES
  ('o-4', 'passing', 1, '2025-11-05 10:00:00', '2025-11-05 10:00:00');
INSERT INTO dependencies VALUES
  ('o-1', 'o-2', 'blocks', '2025-11-05 10:00:00', 'ann', '{}', ''),
  ('o-1', 'o-2', 'related', '2025-11-05 10:00:00', 'ann', '{}', ''),
  ('o-2', 'external:other:x', 'blocks', '2025-11-05 10:00:00', 'ann', NULL, NULL);
INSERT INTO labels VALUES ('o-1', 'red'), ('o-4', 'blue'), ('o-9', 'orphan');
INSERT INTO comments VALUES (1, 'o-1', 'ann', 'hello', '2025-11-05 10:00:00'), (2, 'o-4', 'bob', 'hi', '2025-11-05 10:00:00');
INSERT INTO events VALUES (1, 'o-1', 'created', 'ann', NULL, NULL, NULL, '2025-11-05 10:00:00'),
  (2, 'o-3', 'deleted', 'ann', NULL, NULL, NULL, '2025-11-05 10:00:00');
INSERT INTO config VALUES ('issue_prefix', 'o'), ('status.custom', 'review:active');
INSERT INTO metadata VALUES ('bd_version', '0.40.0');
SQL
    echo '{"database":"beads.db","jsonl_export":"issues.jsonl"}' >.beads/metadata.json
}

files() { find .beads -type f | sort | xargs sha256sum; }

@test "other commands name the way out and change nothing" {
    old_database
    before=$(files)
    for command in list "create x" ready migrate "migrate schema"; do
        apart bd $command
        [ "$status" = 1 ]
        [[ "$err" == *"SQLite database of an older bd"*"bd migrate --to-dolt"* ]]
    done
    [ "$before" = "$(files)" ]
}

@test "--dry-run counts and changes nothing" {
    old_database
    before=$(find .beads | sort; files)
    apart bd migrate --to-dolt --dry-run --json
    [ "$status" = 0 ]
    [ "$(json_get issue_count <<<"$out")" = 3 ]
    [ "$(json_get tombstone_count <<<"$out")" = 1 ]
    [ "$(json_get prefix <<<"$out")" = o ]
    [ "$before" = "$(find .beads | sort; files)" ]
}

@test "everything comes over, and what has no place is named" {
    old_database
    before=$(sha256sum .beads/beads.db)
    apart bd migrate --to-dolt --json
    [ "$status" = 0 ]
    [ "$(json_get issues_imported <<<"$out")" = 3 ]
    [ "$(json_get issues_skipped <<<"$out")" = 1 ]
    [[ "$out" == *"1 tombstone"*"labels: 1 row of issues that do not exist"* ]]
    [ "$before" = "$(sha256sum .beads/beads.db)" ]
    cmp .beads/beads.db .beads/beads.backup-pre-dolt-*.db
    [ "$(json_get database <.beads/metadata.json)" = dolt ]
    show=$(bd show o-1 --json)
    [ "$(json_get 0.created_at <<<"$show")" = 2025-11-06T04:32:03Z ]
    [ "$(json_get 0.updated_at <<<"$show")" = 2025-11-06T04:32:03Z ]
    [ "$(json_get 0.labels.0 <<<"$show")" = red ]
    [ "$(json_get 0.metadata.sqlite.quality_score <<<"$show")" = 0.75 ]
    [ "$(bd comments o-4 --json | json_get 0.text)" = hi ]
    [ "$(bd config get status.custom)" = review:active ]
    bd blocked | grep -q o-1
    [ "$(bd vc log -n 1 --json | json_get 0.message)" = "Migrate from SQLite: 3 issues imported" ]
    dep=$(bd export | grep '"id":"o-1"' | json_get dependencies.0.metadata)
    [[ "$dep" == *'also'*'related'* ]]
}

@test "again: nothing to do; --cleanup moves the old files, never deletes" {
    old_database
    bd migrate --to-dolt >/dev/null
    apart bd migrate --to-dolt --json
    [ "$(json_get status <<<"$out")" = noop ]
    sum=$(sha256sum <.beads/beads.db)
    bd migrate --to-dolt --cleanup
    [ ! -e .beads/beads.db ]
    [ "$sum" = "$(sha256sum <.beads/legacy-sqlite-*/beads.db)" ]
    [ "$sum" = "$(sha256sum <.beads/beads.backup-pre-dolt-*.db)" ]
    apart bd migrate --to-dolt --cleanup --json
    [ "$status" = 0 ]
    [ "$(bd show o-2 --json | json_get 0.title)" = second ]
}

@test "a database with other issues is never touched; an empty one goes aside" {
    old_database
    bd init --quiet --prefix n --skip-hooks --skip-agents --non-interactive </dev/null
    cp -r .beads kept
    bd create "mine" >/dev/null
    apart bd migrate --to-dolt --json
    [ "$status" = 1 ]
    [ "$(json_get error <<<"$out")" = dolt_exists ]
    [ "$(bd list --json | json_get 0.title)" = mine ]
    rm -rf .beads && mv kept .beads
    apart bd migrate --to-dolt --json
    [ "$status" = 0 ]
    [ -d "$(json_get set_aside <<<"$out")/.dolt" ]
    [ "$(bd show o-2 --json | json_get 0.title)" = second ]
}

@test "damaged and foreign files are refused without a trace" {
    old_database
    sqlite3 .beads/beads.db 'PRAGMA journal_mode=DELETE' >/dev/null
    python3 - <<'P'
data = bytearray(open(".beads/beads.db", "rb").read())
data[4096 * 2:4096 * 3] = b"\x17" * 4096
open(".beads/beads.db", "wb").write(data)
P
    before=$(find .beads | sort; files)
    apart bd migrate --to-dolt --json
    [ "$status" = 1 ]
    [ "$(json_get error <<<"$out")" = extraction_failed ]
    [ "$before" = "$(find .beads | sort; files)" ]
    rm .beads/beads.db
    sqlite3 .beads/beads.db 'CREATE TABLE t (x)'
    apart bd migrate --to-dolt --json
    [ "$(json_get error <<<"$out")" = invalid_source ]
    head -c 5000 /dev/urandom >.beads/beads.db
    apart bd migrate --to-dolt --json
    [ "$(json_get error <<<"$out")" = extraction_failed ]
    : >.beads/beads.db
    apart bd migrate --to-dolt --json
    [ "$(json_get error <<<"$out")" = no_sqlite_database ]
    [ ! -e .beads/embeddeddolt ]
}

@test "a program that has the file open is in the way" {
    old_database
    python3 - <<'P' &
import sqlite3, os, time
c = sqlite3.connect(".beads/beads.db", isolation_level=None)
c.execute("begin immediate")
open("locked", "w").close()
while not os.path.exists("done"):
    time.sleep(0.01)
P
    while [ ! -e locked ]; do sleep 0.01; done
    apart bd migrate --to-dolt --json
    touch done
    wait
    [ "$status" = 1 ]
    [ "$(json_get error <<<"$out")" = database_busy ]
    [ ! -e .beads/embeddeddolt ]
}

@test "rows that are only in the -wal come over, and the -wal stays as it is" {
    old_database
    python3 - <<'P'
import sqlite3, shutil
c = sqlite3.connect(".beads/beads.db", isolation_level=None)
c.execute("insert into issues (id, title, created_at, updated_at) values ('o-7', 'in the wal', '2025-11-05', '2025-11-05')")
for s in ("", "-wal", "-shm"):
    shutil.copy(".beads/beads.db" + s, "copy.db" + s)
c.close()
for s in ("", "-wal", "-shm"):
    shutil.move("copy.db" + s, ".beads/beads.db" + s)
P
    before=$(sha256sum .beads/beads.db*)
    bd migrate --to-dolt >/dev/null
    [ "$before" = "$(sha256sum .beads/beads.db .beads/beads.db-*)" ]
    [ "$(bd show o-7 --json | json_get 0.title)" = "in the wal" ]
    cmp .beads/beads.db-wal .beads/beads.backup-pre-dolt-*.db-wal
}

@test "migrate issues: filters, closure, one commit; dry run changes nothing" {
    old_database
    sqlite3 .beads/beads.db "ALTER TABLE issues ADD COLUMN source_repo TEXT DEFAULT '.'; \
        INSERT INTO issues (id, title, created_at, updated_at) VALUES ('o-5', 'alone', '2025-11-05', '2025-11-05')"
    bd migrate --to-dolt >/dev/null
    apart bd migrate issues --from . --to far --id o-1 --include upstream --dry-run --json
    [ "$(json_get plan.issue_ids <<<"$out")" = '["o-1", "o-2"]' ]
    [ "$(json_get plan.added_by_dependency <<<"$out")" = 1 ]
    head=$(bd vc log -n 1 --json | json_get 0.hash)
    apart bd migrate issues --from . --to far --id o-1 --include upstream --yes --json
    [ "$(json_get success <<<"$out")" = true ]
    [ "$(bd vc log -n 1 --json | json_get 0.message)" = "bd: migrate 2 issues to far" ]
    [ "$(bd vc log -n 2 --json | json_get 1.hash)" = "$head" ]
    apart bd migrate issues --from far --to . --label red --dry-run --json
    [ "$(json_get plan.issue_ids <<<"$out")" = '["o-1"]' ]
    apart bd migrate issues --from nowhere --to . --strict --json
    [ "$status" = 1 ]
    printf '# a list\no-5\n\n' >ids
    apart bd migrate issues --from . --to far --ids-file ids --json
    [ "$(json_get plan.issue_ids <<<"$out")" = '["o-5"]' ]
    apart bd migrate issues --to far
    [[ "$status" = 1 && "$err" == *'required flag(s) "from" not set'* ]]
}

@test "tables without keys, without rowids and in capitals; times as numbers; targets too long" {
    sqlite3 .beads/beads.db <<'SQL'
CREATE TABLE ISSUES (id TEXT PRIMARY KEY, title TEXT, status TEXT, created_at DATETIME, updated_at DATETIME);
CREATE TABLE labels (issue_id TEXT, label TEXT, color TEXT);
CREATE TABLE comments (id INTEGER, issue_id TEXT, author TEXT, text TEXT, created_at DATETIME);
CREATE TABLE dependencies (issue_id TEXT, depends_on_id TEXT, type TEXT, weight REAL);
CREATE TABLE config (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
INSERT INTO config VALUES ('issue_prefix', 'o');
INSERT INTO issues VALUES ('o-1', 'one', 'open', 1762378323000000, 1762378323.5), ('o-2', 'two', 'open', NULL, 2460985.4);
INSERT INTO labels VALUES ('o-1', 'x', 'red'), ('o-1', 'x', NULL), ('o-1', NULL, NULL), ('o-1', '', NULL);
INSERT INTO comments VALUES (1, 'o-1', 'ann', 'same', '2025-01-01'), (1, 'o-1', 'ann', 'same', '2025-01-01');
INSERT INTO dependencies VALUES ('o-1', 'o-2', NULL, 0.5),
  ('o-2', 'external:' || hex(zeroblob(200)), 'blocks', 0), ('o-2', 'external:' || hex(zeroblob(201)), 'blocks', 0);
SQL
    apart bd migrate --to-dolt --json
    [ "$status" = 0 ]
    [[ "$out" == *"labels: 2 further rows with the key of another"* ]]
    [[ "$out" == *"comments: 1 further row with the key of another"* ]]
    [[ "$out" == *"dependencies.depends_on_id: 2 values longer"* ]]
    [[ "$out" == *"dependencies.weight: 1 value"*"in the backup"* ]]
    [[ "$out" == *"labels.color: 1 value of a column that is no more; the original is in the backup"* ]]
    bd export >out.jsonl
    grep '"id":"o-1".*"created_at":"2025-11-05T21:32:03Z","updated_at":"2025-11-05T21:32:03Z"' out.jsonl
    grep '"id":"o-2".*"created_at":"2025-11-05T21:36:00Z","updated_at":"2025-11-05T21:36:00Z"' out.jsonl
    [ "$(grep -o 'external:' out.jsonl | wc -l)" = 2 ]
    bd doctor --json | grep -A1 '"message": "Agrees with the dependencies"'
}

@test "a transaction that was cut off in the time before the -wal is rolled back, in memory" {
    sqlite3 .beads/beads.db <<SQL
PRAGMA journal_mode=DELETE;
PRAGMA page_size=1024;
CREATE TABLE issues (id TEXT PRIMARY KEY, title TEXT, status TEXT, description TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
  INSERT INTO issues SELECT 'o-' || i, 'before', 'open', hex(zeroblob(300)) FROM n;
PRAGMA cache_size=1;
BEGIN;
UPDATE issues SET title = 'after', description = hex(zeroblob(2000));
DELETE FROM issues WHERE id = 'o-7';
INSERT INTO issues VALUES ('o-new', 'after', 'open', '');
.shell cp .beads/beads.db .beads/beads.db-journal "$SCRATCH"
ROLLBACK;
SQL
    mv "$SCRATCH/beads.db" "$SCRATCH/beads.db-journal" .beads/
    before=$(sha256sum .beads/beads.db .beads/beads.db-journal)
    apart bd migrate --to-dolt --json
    [ "$status" = 0 ]
    [ "$(json_get issues_imported <<<"$out")" = 40 ]
    [ "$(bd list --all --json -n 0 | grep -c '"title": "before"')" = 40 ]
    [ "$before" = "$(sha256sum .beads/beads.db .beads/beads.db-journal)" ]
    cmp .beads/beads.db-journal .beads/beads.backup-pre-dolt-*.db-journal
    # SQLite itself comes to the same
    sqlite3 .beads/beads.db "SELECT count(*) FROM issues WHERE title = 'before'" | grep -qx 40
}

@test "the -wal of a file that is a link lies where the link leads to" {
    old_database
    mkdir store
    sqlite3 .beads/beads.db <<SQL
PRAGMA wal_autocheckpoint=0;
INSERT INTO issues (id, title, created_at, updated_at) VALUES ('o-wal', 'only in the -wal', '2025-11-05', '2025-11-05');
.shell cp .beads/beads.db .beads/beads.db-wal store/
SQL
    rm .beads/beads.db*
    ln -s ../store/beads.db .beads/beads.db
    bd migrate --to-dolt
    [ "$(bd show o-wal --json | json_get 0.title)" = "only in the -wal" ]
    cmp store/beads.db-wal .beads/beads.backup-pre-dolt-*.db-wal
}
