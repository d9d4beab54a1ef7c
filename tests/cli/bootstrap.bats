#!/usr/bin/env bats
# bd bootstrap: a working tracker from what a clone has.

load common

setup() {
    scratch_setup
    git init -q .
    mkdir .beads
    chmod 700 .beads
}
teardown() { scratch_teardown; }

ids() { bd list --all --json | python3 -c 'import json,sys; print(*sorted(i["id"] for i in json.load(sys.stdin)))'; }
metadata() { echo '{"database":"dolt","backend":"dolt","dolt_mode":"embedded","dolt_database":"zz","project_id":"11111111-2222-4333-8444-555555555555"}' >.beads/metadata.json; }
export_file() { printf '{"id":"zz-1","title":"One","labels":["x"]}\n{"id":"zz-2","title":"Two"}\n{"_type":"memory","key":"k","value":"v"}\n' >"${1:-.beads/issues.jsonl}"; }
plan() { bd bootstrap --dry-run --json | json_get action; }

@test "without anything to start from it says so and makes nothing" {
    rmdir .beads
    apart bd bootstrap
    [ "$status" -eq 1 ]
    [[ $err == *"No active beads workspace found."* && $err == *"bd where"* ]]
    [ ! -e .beads ]
}

@test "a clone with settings alone gets an empty database of its project" {
    metadata
    [ "$(plan)" = init ]
    [ ! -e .beads/embeddeddolt ]
    chmod 755 .beads
    bd bootstrap 2>&1 | grep -q "Created fresh database with prefix"
    bd create "One" --json | json_get id | grep -q '^zz-'
    grep -q 11111111-2222-4333-8444-555555555555 .beads/metadata.json
    bd list >/dev/null
    [ "$(stat -c %a .beads)" = 700 ]
}

@test "the export of a clone comes in, all of it, in one database" {
    metadata
    export_file
    apart bd list
    [ "$status" -eq 1 ]
    [[ $err == *"'bd bootstrap'"* ]]
    [ "$(plan)" = jsonl-import ]
    bd bootstrap 2>&1 | grep -q "Imported 2 issues and 1 memories"
    [ "$(ids)" = "zz-1 zz-2" ]
    [ "$(bd vc log -n 1 --oneline | grep -c 'import from issues.jsonl')" = 1 ]
    bd vc status | grep -vq modified
    bd bootstrap | grep -q "Nothing to do"
    [ "$(ids)" = "zz-1 zz-2" ]
}

@test "a clone that has nothing but an export works too" {
    export_file
    bd bootstrap >/dev/null
    [ "$(ids)" = "zz-1 zz-2" ]
    bd create "Next" --json | json_get id | grep -q '^zz-'
    [ -f .beads/metadata.json ] && [ -f .beads/.gitignore ]
}

@test "an export in the middle of a merge makes no database, and says where" {
    metadata
    export_file
    sed -i '2i <<<<<<< HEAD' .beads/issues.jsonl
    run bd bootstrap
    [ "$status" -eq 1 ]
    [[ $output == *"line 2"* && $output == *"conflict"* ]]
    [ ! -e .beads/embeddeddolt ]
    sed -i 2d .beads/issues.jsonl
    bd bootstrap >/dev/null
    [ "$(ids)" = "zz-1 zz-2" ]
}

@test "an issue that is not valid makes no database" {
    metadata
    printf '{"id":"zz-1","title":"One"}\n{"id":"zz-2","title":"Two","priority":77}\n' >.beads/issues.jsonl
    run bd bootstrap
    [ "$status" -eq 1 ]
    [[ $output == *zz-2* ]]
    [ -z "$(ls -A .beads/embeddeddolt 2>/dev/null)" ]
}

@test "a backup of bd comes before the export" {
    mkdir ../src && (cd ../src && workspace zz && bd create "From backup" --id zz-9 --silent && bd backup init ../bk && bd backup sync) >/dev/null
    metadata
    export_file
    cp -r ../bk .beads/backup
    [ "$(plan)" = restore ]
    bd bootstrap 2>&1 | grep -q "Restored from backup: 1 issues"
    [ "$(ids)" = zz-9 ]
    bd create "Next" --silent
}

@test "a backup set of older versions comes in, and the export is spoken of" {
    metadata
    export_file
    mkdir .beads/backup
    export_file .beads/backup/issues.jsonl
    printf '{"issue_id":"zz-1","depends_on_id":"zz-2","type":"blocks"}\n' >.beads/backup/dependencies.jsonl
    [ "$(plan)" = restore ]
    bd bootstrap 2>&1 | grep -q "issues.jsonl is there too"
    [ "$(bd blocked --json | json_get 0.id)" = zz-1 ]
}

@test "a damaged backup makes no database" {
    mkdir ../src && (cd ../src && workspace zz && bd create "x" --silent && bd backup init ../bk && bd backup sync) >/dev/null
    metadata
    cp -r ../bk .beads/backup
    printf 'XXXXXXXX' | dd of="$(find .beads/backup -type f -size +1k)" bs=1 seek=700 conv=notrunc 2>/dev/null
    run bd bootstrap
    [ "$status" -eq 1 ]
    [[ $output == *"Nothing was created"* ]]
    [ -z "$(ls -A .beads/embeddeddolt 2>/dev/null)" ]
}

@test "a folder as remote is cloned, with its address kept" {
    mkdir ../src && (cd ../src && workspace zz && bd create "Shared" --id zz-5 --silent && bd backup init ../remote && bd backup sync) >/dev/null
    metadata
    echo "sync.remote: file://$SCRATCH/remote" >.beads/config.yaml
    [ "$(plan)" = sync ]
    bd bootstrap 2>&1 | grep -q "Synced database from file://"
    [ "$(ids)" = zz-5 ]
    grep -q "file://$SCRATCH/remote" .beads/embeddeddolt/zz/.dolt/repo_state.json
    [ "$(bd vc log -n 1 --json | json_get 0.refs | grep -c origin/main)" = 1 ]
    bd create "Next" --silent
    # the project is the remote's
    [ "$(json_get project_id <.beads/metadata.json)" = "$(json_get project_id <../src/.beads/metadata.json)" ]
}

@test "other kinds of remotes say that they come later, and nothing is made" {
    metadata
    export_file
    echo "sync.remote: https://example.invalid/x/y" >.beads/config.yaml
    [ "$(plan)" = sync ]
    run bd bootstrap
    [ "$status" -eq 1 ]
    [[ $output == *"later version"* && $output == *"Nothing was created"* ]]
    [ ! -e .beads/embeddeddolt ]
}

@test "a database that exists is never touched, whatever else is there" {
    metadata
    export_file
    bd bootstrap >/dev/null 2>&1
    bd create "Mine" --id zz-mine --silent
    bd delete zz-1 --force >/dev/null
    mkdir -p .beads/backup && export_file .beads/backup/issues.jsonl
    echo "sync.remote: https://example.invalid/x/y" >>.beads/config.yaml
    bd bootstrap | grep -q "already exists"
    [ "$(bd bootstrap --json | json_get has_existing)" = true ]
    [ "$(ids)" = "zz-2 zz-mine" ]
}

@test "a broken database is not taken for none" {
    metadata
    export_file
    mkdir -p .beads/embeddeddolt/zz/.dolt/noms
    bd bootstrap | grep -q "already exists"
    [ -z "$(ls -A .beads/embeddeddolt/zz/.dolt/noms)" ]
}

@test "an SQLite database of older versions is pointed out, not passed over" {
    metadata
    export_file
    printf 'SQLite format 3\0rest' >.beads/beads.db
    run bd bootstrap
    [ "$status" -eq 1 ]
    [[ $output == *"bd migrate --to-dolt"* ]]
    [ ! -e .beads/embeddeddolt ]
}

@test "what a killed bootstrap left does not stand in the way" {
    metadata
    export_file
    mkdir -p .beads/embeddeddolt/.bd-init-99999/.dolt/noms .beads/embeddeddolt/.tmp-restore-99999-0-zz/zz/.dolt
    touch .beads/embeddeddolt/.lock
    bd bootstrap >/dev/null
    [ "$(ids)" = "zz-1 zz-2" ]
    [ ! -e .beads/embeddeddolt/.bd-init-99999 ] && [ ! -e .beads/embeddeddolt/.tmp-restore-99999-0-zz ]
}

@test "a bootstrap killed at any moment is completed by the next" {
    metadata
    python3 -c 'for i in range(3000): print("{\"id\":\"zz-%d\",\"title\":\"n\"}" % i)' >.beads/issues.jsonl
    for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
        rm -rf .beads/embeddeddolt
        bd bootstrap >/dev/null 2>&1 &
        python3 -c "import time,sys; time.sleep($n * 0.012)"
        kill -9 $! 2>/dev/null || true
        wait $! 2>/dev/null || true
        bd bootstrap >/dev/null 2>&1
        [ "$(bd count)" = 3000 ]
    done
}

@test "several bootstraps at once make one database" {
    metadata
    export_file
    for i in 1 2 3 4 5 6 7 8; do bd bootstrap >/dev/null 2>&1 & done
    wait
    bd bootstrap >/dev/null
    [ "$(ids)" = "zz-1 zz-2" ]
    [ "$(ls -A .beads/embeddeddolt | grep -vc '^\.lock$')" = 1 ]
}

@test "in a linked worktree the main repository's workspace is set up" {
    metadata
    export_file
    git add -A && git commit -qm base
    git worktree add -q ../tree
    cd ../tree
    bd bootstrap >/dev/null
    cd ../ws
    [ "$(ids)" = "zz-1 zz-2" ]
}

@test "where the first source fails, the next one is named" {
    workspace
    bd create "A" --silent
    bd export -o .beads/issues.jsonl
    rm -rf .beads/embeddeddolt
    printf 'sync.remote: "file://%s/nothing"\n' "$SCRATCH" >>.beads/config.yaml
    apart bd bootstrap
    [ "$status" = 1 ]
    [[ "$err" == *"Nothing was created"*"bd init --from-jsonl --remote"* ]]
    bd init --from-jsonl --remote "" --quiet --skip-agents --skip-hooks --non-interactive
    [ "$(bd count)" = 1 ]
}
