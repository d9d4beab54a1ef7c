#!/usr/bin/env bats
# bd backup: copies of the whole database, and the way back.

load common

setup() {
    scratch_setup
    workspace
    BK=$SCRATCH/bk
}
teardown() { scratch_teardown; }

ids() { bd list --all --json | python3 -c 'import json,sys; print(*sorted(i["id"] for i in json.load(sys.stdin)))'; }

backed_up() {
    bd create "One" --id t-a --silent
    bd create "Two" --id t-b --silent
    bd backup init "$BK" >/dev/null
    bd backup sync >/dev/null
}

# The one table file of a backup, which is damaged in the middle.
damage() {
    local file
    file=$(find "$1" -type f -size +1k | head -1)
    printf 'XXXXXXXX' | dd of="$file" bs=1 seek=700 conv=notrunc 2>/dev/null
}

@test "a backup is the database: it can be listed, and restored elsewhere" {
    backed_up
    [ "$(bd --db "$BK" list --all --json | grep -c "\"id\": \"t-[ab]\"")" = 2 ]
    mkdir ../other && cd ../other && git init -q . && mkdir .beads && echo '{"dolt_database":"t"}' >.beads/metadata.json
    bd backup restore "$BK"
    [ "$(ids)" = "t-a t-b" ]
    bd create "Three" --id t-c --silent
    [ "$(ids)" = "t-a t-b t-c" ]
}

@test "a sync brings only what is new, and says when there is nothing" {
    backed_up
    bd backup sync | grep -q "(0 new chunks"
    before=$(ls "$BK" | wc -l)
    bd create "Three" --id t-c --silent
    bd backup sync --json | json_get synced | grep -qx true
    [ "$(ls "$BK" | wc -l)" -eq $((before + 1)) ]
    [ "$(bd --db "$BK" count)" = 3 ]
}

@test "what is not committed is in the backup too" {
    backed_up
    BD_DOLT_AUTO_COMMIT=off bd update t-a --title "Changed" >/dev/null
    BD_DOLT_AUTO_COMMIT=off bd backup sync >/dev/null
    [ "$(bd --db "$BK" show t-a --json | json_get 0.title)" = Changed ]
}

@test "restore refuses where a database is, and tells whether it is newer" {
    backed_up
    run bd backup restore "$BK"
    [ "$status" -eq 1 ]
    [[ $output == *"already exists"* && $output != *"holds changes"* && $output == *"Nothing was changed"* ]]
    bd create "Three" --id t-c --silent
    run bd backup restore "$BK"
    [ "$status" -eq 1 ]
    [[ $output == *"already exists and holds changes that the backup does not have"* ]]
    [ "$(ids)" = "t-a t-b t-c" ]
}

@test "a replaced database is kept, and nothing is ever removed" {
    backed_up
    bd create "Three" --id t-c --silent
    apart bd backup restore "$BK" --force
    [ "$status" -eq 0 ]
    [[ $err == *refs/heads/main* ]]
    [ "$(ids)" = "t-a t-b" ]
    [ "$(bd --db .beads/embeddeddolt/.dolt_dropped_databases/t count)" = 3 ]
    bd create "Four" --id t-d --silent
    kept=$(bd backup restore "$BK" --force --json 2>/dev/null | json_get previous_database)
    [ "$(bd --db "$kept" count)" = 3 ]
    [ "$(bd --db .beads/embeddeddolt/.dolt_dropped_databases/t count)" = 3 ]
}

@test "a damaged, an incomplete, an empty and a foreign backup change nothing" {
    backed_up
    state=$(find .beads -type f ! -name '*.lock' -exec sha256sum {} + | sort)
    cp -r "$BK" ../damaged && damage ../damaged
    cp -r "$BK" ../incomplete && find ../incomplete -type f -size +1k -delete
    mkdir ../empty
    echo "5:garbage" >../empty/manifest
    mkdir ../nothing
    echo text >../file
    for source in ../damaged ../incomplete ../empty ../nothing ../file ../missing; do
        run bd backup restore "$source" --force
        [ "$status" -eq 1 ] || { echo "$source: $output"; false; }
    done
    [ "$(find .beads -type f ! -name '*.lock' -exec sha256sum {} + | sort)" = "$state" ]
}

@test "no backup goes into a live database" {
    bd create "One" --id t-a --silent
    for place in .beads/embeddeddolt/t .beads/embeddeddolt/t/.dolt/noms; do
        run bd backup init "$place"
        [ "$status" -eq 1 ]
    done
    [ "$(ids)" = t-a ]
}

@test "status and remove" {
    bd backup status | grep -q "No backup has been performed yet"
    run bd backup sync
    [ "$status" -eq 1 ]
    [[ $output == *"no backup destination configured"* ]]
    backed_up
    bd backup status | grep -q "up to date"
    bd create "Three" --silent
    bd backup status | grep -q "changes since the last sync"
    [ "$(bd backup status --json | json_get dolt.backup_url)" = "file://$BK" ]
    bd backup remove >/dev/null
    [ "$(bd backup status --json | json_get dolt.configured)" = false ]
    [ "$(bd --db "$BK" count)" = 2 ]
}

@test "a place that cannot be written leaves the last backup as it was" {
    [ "$(id -u)" -ne 0 ] || skip "root writes everywhere"
    backed_up
    chmod 500 "$BK"
    bd create "Three" --silent
    run bd backup sync
    chmod 700 "$BK"
    [ "$status" -eq 1 ]
    [ "$(bd --db "$BK" count)" = 2 ]
}

@test "ten syncs at once leave a complete backup" {
    backed_up
    for i in 1 2 3 4 5 6 7 8 9 10; do
        (bd create "n$i" --silent && bd backup sync) >/dev/null 2>>"$SCRATCH/errors" &
    done
    wait
    bd backup sync >/dev/null
    [ ! -s "$SCRATCH/errors" ]
    [ "$(bd --db "$BK" count)" = 12 ]
}

@test "writers beside a restore lose nothing they were told is safe" {
    backed_up
    : >"$SCRATCH/acked"
    for i in 1 2 3 4 5 6 7 8; do
        (for k in 1 2 3 4 5; do bd create "w$i.$k" --id "t-w$i$k" --silent >>"$SCRATCH/acked"; done) 2>/dev/null &
    done
    bd backup restore "$BK" --force >/dev/null 2>&1
    wait
    old=.beads/embeddeddolt/.dolt_dropped_databases/t
    { bd list --all --json -n 0; bd --db "$old" list --all --json -n 0; } |
        grep -o '"id": "t-w[0-9]*"' | sort -u | grep -o 't-w[0-9]*' | sort -u >"$SCRATCH/found"
    sort -u "$SCRATCH/acked" | comm -23 - "$SCRATCH/found" | { ! grep .; }
}

@test "export-git commits to a branch of its own, pushes, and touches nothing else" {
    git init -q --bare ../origin.git && git remote add origin ../origin.git
    git add -A && git commit -qm base && git push -q origin HEAD:main
    bd create "One" --id t-a --silent
    echo dirty >file && git add file
    before=$(git status --porcelain; git rev-parse HEAD)
    bd backup export-git | grep -q "1 issues"
    [ "$(git status --porcelain; git rev-parse HEAD)" = "$before" ]
    [ "$(git -C ../origin.git ls-tree -r --name-only beads-backup)" = .beads/backup/issues.jsonl ]
    bd backup export-git | grep -q "Nothing changed"
    bd create "Two" --id t-b --silent
    bd backup export-git --json | json_get pushed | grep -qx true
    [ "$(git -C ../origin.git rev-list --count beads-backup)" = 2 ]
    git clone -q -b beads-backup ../origin.git ../clone && cd ../clone
    bd bootstrap >/dev/null
    [ "$(ids)" = "t-a t-b" ]
}

@test "export-git refuses a snapshot without most of the issues" {
    git init -q --bare ../origin.git && git remote add origin ../origin.git
    for i in 1 2 3 4 5 6 7 8 9 10 11 12; do bd create "n$i" --id "t-n$i" --silent; done
    bd backup export-git >/dev/null
    bd delete t-n1 t-n2 t-n3 t-n4 t-n5 t-n6 t-n7 --force >/dev/null
    run bd backup export-git
    [ "$status" -eq 1 ]
    [[ $output == *"12 issues, this database 5"* ]]
    bd backup export-git --force | grep -q "5 issues"
}

@test "kinds of remotes that are not there yet are named as such" {
    bd backup init https://example.invalid/x/y 2>/dev/null
    run bd backup sync
    [ "$status" -eq 1 ]
    [[ $output == *"only folders"* ]]
}

@test "an automatic backup is made where it is asked for, and not each time" {
    git init -q --bare ../origin.git && git remote add origin ../origin.git
    bd create "One" --silent
    [ ! -e .beads/backup ]
    bd config set backup.enabled true >/dev/null
    bd create "Two" --silent
    [ "$(bd --db .beads/backup count)" = 2 ]
    bd create "Three" --silent
    [ "$(bd --db .beads/backup count)" = 2 ]
    bd config set backup.interval 1ms >/dev/null
    bd create "Four" --silent
    [ "$(bd --db .beads/backup count)" = 4 ]
    bd backup status | grep -q "Last backup"
}

@test "an address is plain, however it was typed" {
    for typed in ../x/../bk2 "$SCRATCH//./bk2/" ../nothing/../bk2; do
        [ "$(bd backup init "$typed" --json | json_get backup_url)" = "file://$(cd .. && pwd -P)/bk2" ]
    done
}

@test "fetch-git brings in what export-git published, and takes nothing back" {
    git init -q --bare ../origin.git && git remote add origin ../origin.git
    git add -A && git commit -qm base && git push -q origin HEAD:main
    apart bd backup fetch-git
    [ "$status" -eq 1 ]
    [[ "$err" == *"origin has no branch beads-backup"*"export-git"* ]]
    bd create "One" --id t-a -l red --silent
    bd create "Two" --id t-b --deps t-a --silent
    bd remember "a thing" --key k
    bd backup export-git
    git clone -q ../origin.git ../two && cd ../two && git config user.name B && git config user.email b@x
    bd init --prefix t --quiet --skip-agents --skip-hooks --non-interactive
    bd create "Three" --id t-c --silent
    bd import - <<<'{"id":"t-a","title":"Newer","updated_at":"2099-01-01T00:00:00Z"}'
    before=$(git status --porcelain; git rev-parse HEAD)
    bd backup fetch-git --dry-run | grep -q "Would import 2 issues and 1 memories"
    [ "$(ids)" = "t-a t-c" ]
    apart bd backup fetch-git --json
    [ "$status" -eq 0 ]
    [ "$(json_get issues <<<"$out") $(json_get skipped <<<"$out") $(json_get memories <<<"$out")" = "1 1 1" ]
    [ "$(ids)" = "t-a t-b t-c" ]
    [ "$(bd show t-a --json | json_get 0.title)" = Newer ]
    bd recall k | grep -q "a thing"
    [ "$(git status --porcelain; git rev-parse HEAD)" = "$before" ]
    [ -z "$(find .beads -name '.backup-tmp*')" ]
    run bd backup fetch-git --remote nowhere
    [ "$status" -eq 1 ]
    [[ "$output" == *"git knows no remote nowhere"* ]]
}
