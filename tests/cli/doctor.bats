#!/usr/bin/env bats
# bd doctor and bd preflight.
load common

setup() { scratch_setup; }
teardown() { scratch_teardown; }

# Status of one check: check "Git Hooks"
check() {
    bd doctor --json "${@:2}" 2>/dev/null | python3 -c 'import json,sys
for c in json.load(sys.stdin)["checks"]:
    if c["name"] == sys.argv[1]: print(c["status"])' "$1"
}

# All bytes of the workspace and of git, modes and times aside.
fingerprint() { (cd "$SCRATCH/ws" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum); }

@test "a fresh workspace has no warning, and looking changes nothing" {
    workspace
    bd create "A" >/dev/null
    before=$(fingerprint)
    apart bd doctor
    [ "$status" -eq 0 ]
    [[ "$out" == *"bd doctor v"*"──"*" passed  ⚠ 0 warnings  ✗ 0 errors"* ]]
    [[ "$out" == *"✓ All checks passed"* ]]
    for mode in -v --json --agent --deep --server --perf --check-health --dry-run --migration=pre --migration=post \
        --check=artifacts --check=conventions --check=pollution --check=validate; do
        apart bd doctor "$mode"
        [ "$status" -eq 0 ] || { echo "$mode: $out$err"; false; }
    done
    [ "$(fingerprint)" = "$before" ]
}

@test "what bd init makes by default has no warning either" {
    git init -q .
    bd init --quiet --prefix t --non-interactive </dev/null
    apart bd doctor
    [[ "$out" == *"⚠ 0 warnings  ✗ 0 errors"* ]] || { echo "$out"; false; }
    git clone -q . "$SCRATCH/clone" && cd "$SCRATCH/clone"
    apart bd doctor
    [ "$status" -eq 1 ]
    [[ "$out" == *"bd bootstrap"* ]]
}

@test "without a workspace the first line says what to do" {
    apart bd doctor
    [ "$status" -eq 1 ]
    [[ "$out" == *"✗  Installation: No .beads/ directory found"* ]]
    [[ "$out" == *"bd bootstrap"* ]]
    [ "$(bd doctor --json | json_get overall_ok)" = false ]
}

@test "it works without git" {
    bd init --quiet --prefix t --skip-hooks --skip-agents --non-interactive </dev/null
    apart bd doctor
    [ "$status" -eq 0 ]
    [ "$(check "Git Upstream")" = ok ]
}

@test "a path examines the workspace there" {
    workspace
    mkdir sub
    cd "$SCRATCH/home"
    apart bd doctor "$SCRATCH/ws/sub" --json
    [ "$status" -eq 0 ]
    [ "$(json_get path <<<"$out")" = "$SCRATCH/ws" ]
    apart bd doctor "$SCRATCH/nowhere"
    [ "$status" -eq 1 ]
}

@test "nobody to ask: nothing is fixed, and the exit status says so" {
    workspace
    printf 'mine\n' >.beads/.gitignore
    before=$(fingerprint)
    apart bd doctor --fix
    [ "$status" -eq 1 ]
    [[ "$err" == *"non-interactive"*"bd doctor --fix --yes"* ]]
    [ "$(fingerprint)" = "$before" ]
    apart bd doctor --dry-run
    [[ "$out" == *"[DRY-RUN]"*"Gitignore"* ]]
    [ "$(fingerprint)" = "$before" ]
    apart bd --readonly doctor --fix --yes
    [ "$status" -eq 1 ]
    [ "$(fingerprint)" = "$before" ]
}

@test "fix -y mends, keeps a copy, and does nothing the second time" {
    workspace
    printf 'mine\n' >.beads/.gitignore
    printf '{"id":"t-1"}\n' >.beads/deletions.jsonl
    mkdir .beads/mq && echo '{}' >.beads/mq/1.json
    rm .gitignore
    apart bd doctor --fix -y
    [[ "$out" == *"Fixing Gitignore"*"Verifying fixes"* ]]
    [ "$(head -1 .beads/.gitignore)" = mine ]
    grep -q 'embeddeddolt/' .beads/.gitignore
    grep -q '^.dolt/' .gitignore
    [ "$(cat .beads/backup/doctor-*/.gitignore)" = mine ]
    [ -f .beads/backup/doctor-*/deletions.jsonl ]
    [ -f .beads/backup/doctor-*/mq/1.json ]
    [ ! -e .beads/deletions.jsonl ]
    before=$(fingerprint)
    apart bd doctor --fix -y
    [[ "$out" == *"No fixable issues found"* ]]
    [ "$(fingerprint)" = "$before" ]
}

@test "fix with --json is one JSON value on standard output" {
    workspace
    rm .beads/.gitignore
    apart bd doctor --fix -y --json
    [ "$(json_get fixes.0.name <<<"$out")" = Gitignore ]
    [ "$(json_get fixes.0.ok <<<"$out")" = true ]
    [ "$(json_get overall_ok <<<"$out")" = true ]
}

@test "a missing or damaged metadata.json is written for the database that is there" {
    workspace
    bd create "A" >/dev/null
    id=$(json_get project_id <.beads/metadata.json)
    rm .beads/metadata.json
    [ "$(check "Metadata Config")" = error ]
    apart bd doctor --fix -y
    [ "$(json_get project_id <.beads/metadata.json)" = "$id" ]
    echo '{"broken' >.beads/metadata.json
    [ "$(check "Metadata Config")" = error ]
    bd doctor --fix -y >/dev/null 2>&1 || true
    [ "$(json_get dolt_database <.beads/metadata.json)" = t ]
    [ "$(bd list --json | json_get 0.title)" = A ]
}

@test "an identity of another project is named and left alone" {
    workspace
    sed -i 's/"project_id": "[^"]*"/"project_id": "11111111-1111-4111-8111-111111111111"/' .beads/metadata.json
    apart bd doctor --json
    [ "$status" -eq 1 ]
    [ "$(check "Project Identity")" = error ]
    before=$(cat .beads/metadata.json)
    bd doctor --fix -y >/dev/null 2>&1 || true
    [ "$(cat .beads/metadata.json)" = "$before" ]
}

@test "runtime files in git are untracked and stay" {
    workspace
    echo t-1 >.beads/last-touched
    git add -f .beads/last-touched .beads/metadata.json && git commit -qm x
    [ "$(check "Last-Touched Tracking")" = warning ]
    [ "$(check "Tracked Runtime Files")" = warning ]
    bd doctor --fix -y >/dev/null 2>&1 || true
    [ -z "$(git ls-files .beads/last-touched)" ]
    [ -f .beads/last-touched ]
    [ -n "$(git ls-files .beads/metadata.json)" ]
    echo secret >.beads/.beads-credential-key && chmod 600 .beads/.beads-credential-key
    git add -f .beads/.beads-credential-key && git commit -qm x
    [ "$(check "Tracked Runtime Files")" = error ]
}

@test "hooks: none is fine, half of them or old ones are not" {
    workspace
    [ "$(check "Git Hooks")" = ok ]
    printf '#!/bin/sh\n# --- BEGIN BEADS INTEGRATION v1.0.5 ---\nbd hooks run pre-commit\n' >.git/hooks/pre-commit
    [ "$(check "Git Hooks")" = warning ]
    for h in pre-commit post-merge pre-push; do
        printf '#!/bin/sh\n# --- BEGIN BEADS INTEGRATION v1.0.5 ---\nbd hooks run %s\n' $h >.git/hooks/$h
    done
    [ "$(check "Git Hooks")" = ok ]
    sed -i 's/v1.0.5/v0.63.0/' .git/hooks/pre-push
    [ "$(check "Git Hooks")" = warning ]
    apart bd doctor --check-health
    [ "$status" -eq 1 ]
    [[ "$err" == *"Git Hooks"* ]]
    bd config set hints.doctor false >/dev/null
    apart bd doctor --check-health
    [ "$status" -eq 0 ]
    [ -z "$err" ]
    printf '#!/bin/sh\n# bd (beads) post-merge\nbd import\n' >.git/hooks/post-merge
    [ "$(check "Git Hooks Dolt Compatibility")" = error ]
}

@test "a redirect that leads nowhere is an error" {
    workspace
    mkdir -p "$SCRATCH/other/.beads"
    cd "$SCRATCH/other"
    git init -q .
    echo "$SCRATCH/ws/.beads" >.beads/redirect
    [ "$(check "Redirect Target Valid")" = ok ]
    echo "../gone/.beads" >.beads/redirect
    apart bd doctor
    [ "$status" -eq 1 ]
}

@test "settings with wrong values are listed" {
    workspace
    printf 'routing:\n  mode: sideways\njson: maybe\n' >>.beads/config.yaml
    apart bd doctor --json
    [ "$(check "Config Values")" = warning ]
    [[ "$out" == *"routing.mode"* ]]
}

@test "a warning is silenced by its name" {
    workspace
    bd create "test issue for testing" >/dev/null
    [ "$(check "Test Pollution")" = warning ]
    bd config set doctor.suppress.test-pollution true >/dev/null
    [ -z "$(check "Test Pollution")" ]
    apart bd doctor
    [[ "$out" == *"(1 warning suppressed via doctor.suppress config)"* ]]
    [ "$(bd doctor --json | json_get suppressed_count)" = 1 ]
}

@test "a large store is an error with the commands that make it small" {
    workspace
    bd config set doctor.noms-error 10KB >/dev/null
    apart bd doctor
    [ "$status" -eq 1 ]
    [[ "$out" == *"✗  dolt-noms-size"*"bd gc"*"bd flatten"* ]]
}

@test "a database that does not open is named, and no hint destroys" {
    workspace
    bd create "A" >/dev/null
    journal=$(echo .beads/embeddeddolt/t/.dolt/noms/v*)
    size=$(stat -c %s "$journal")
    printf 'garbage garbage garbage garbage' | dd of="$journal" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
    apart bd doctor
    [ "$status" -eq 1 ]
    [[ "$out" == *"✗"* ]]
    [[ "$out" != *"rm -"* ]]
    [[ "$out" != *"init --force"* ]]
    [[ "$out" != *"--reinit-local"* ]]
}

@test "a torn end of the journal is cut off, and a copy stays" {
    workspace
    bd create "A" >/dev/null
    journal=$(echo .beads/embeddeddolt/t/.dolt/noms/v*)
    printf 'torn' >>"$journal"
    [ "$(check "Database Integrity")" = error ]
    bd doctor --fix -y >/dev/null
    [ "$(check "Database Integrity")" = ok ]
    [ "$(bd list --json | json_get 0.title)" = A ]
    apart bd doctor --deep
    [ "$status" -eq 0 ]
    [ -n "$(ls -d .beads/embeddeddolt/t/.dolt/repair-*)" ]
}

@test "secrets in a tracked file are an error" {
    workspace
    printf 'github.token: ghp_123\n' >>.beads/config.yaml
    git add -f .beads/config.yaml
    [ "$(check "Tracked Secrets")" = error ]
    git rm -q --cached .beads/config.yaml
    [ "$(check "Tracked Secrets")" = ok ]
}

@test "pollution is shown, kept in a file, and deleted only when asked" {
    workspace
    bd create "test-alpha thing" >/dev/null
    bd create "Real work" -d "A description that is long enough" >/dev/null
    apart bd doctor --check=pollution
    [[ "$out" == *"test-alpha thing"* ]]
    [[ "$out" != *"Real work"* ]]
    apart bd doctor --check=pollution --clean
    [ "$status" -eq 1 ]
    [ "$(bd count)" = 2 ] || [ "$(bd list --json | json_get 1.id)" ]
    bd doctor --check=pollution --clean --yes >/dev/null
    [ "$(bd list --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))')" = 1 ]
    [[ "$(cat .beads/pollution-backup.jsonl)" == *"test-alpha thing"* ]]
    bd import .beads/pollution-backup.jsonl >/dev/null
    [ "$(bd list --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))')" = 2 ]
}

@test "artifacts of old releases are found and set aside" {
    workspace
    echo x >.beads/beads.backup-pre-dolt-20260101.db
    echo x >.beads/beads.db
    apart bd doctor --check=artifacts
    [[ "$out" == *"beads.backup-pre-dolt-20260101.db [safe]"* ]]
    [[ "$out" == *"beads.db"* ]]
    bd doctor --check=artifacts --clean --yes >/dev/null
    [ -f .beads/beads.db ]
    [ ! -f .beads/beads.backup-pre-dolt-20260101.db ]
    [ -f .beads/backup/doctor-*/beads.backup-pre-dolt-20260101.db ]
    apart bd doctor --check=nonsense
    [ "$status" -eq 1 ]
    [[ "$err" == *"Available checks: artifacts, conventions, pollution, validate"* ]]
}

@test "the agent form explains, the file form has the same facts" {
    workspace
    rm .beads/.gitignore
    apart bd doctor --agent --json
    [ "$(json_get diagnostics.0.name <<<"$out")" = Gitignore ]
    [ "$(json_get diagnostics.0.severity <<<"$out")" = advisory ]
    [ "$(json_get diagnostics.0.commands.0 <<<"$out")" = "bd doctor --fix" ]
    apart bd doctor -o "$SCRATCH/d.json"
    [ "$(json_get path <"$SCRATCH/d.json")" = "$SCRATCH/ws" ]
    [ "$(json_get platform.backend <"$SCRATCH/d.json")" = dolt ]
}

@test "every command a hint names exists" {
    grep -rhoE "'bd [a-z-]+( [a-z-]+)?" "$BATS_TEST_DIRNAME/../../doctor" | sort -u | sed "s/^'//" | while read -r line; do
        set -- $line
        # these come with other parts of the program
        case $2 in hook | prime | setup | onboard | orphans | lint | federation | mol) continue ;; esac
        bd "$2" --help >/dev/null || { echo "no command: $line"; false; }
    done
}

@test "the document has a line for every check" {
    grep -oE '^    \{"[^"]+"' "$BATS_TEST_DIRNAME/../../doctor/table.c" | cut -d'"' -f2 | while read -r name; do
        grep -qF "| $name |" "$BATS_TEST_DIRNAME/../../docs/doctor.md" || { echo "no line: $name"; false; }
    done
}

@test "preflight shows the list and goes through it" {
    workspace
    apart bd preflight
    [ "${out%%$'\n'*}" = "PR Readiness Checklist:" ]
    apart bd preflight --check
    [ "$status" -eq 0 ]
    [[ "$out" == *"Reason: go.mod not found"* ]]
    echo '{"id":"t-1"}' >.beads/issues.jsonl && git add -f .beads/issues.jsonl
    apart bd preflight --check --skip-lint --json
    [ "$status" -eq 1 ]
    [ "$(json_get passed <<<"$out")" = false ]
    [ "$(json_get checks.1.skipped <<<"$out")" = true ]
    [ "$(json_get checks.3.passed <<<"$out")" = false ]
    git rm -q --cached .beads/issues.jsonl && rm .beads/issues.jsonl
    printf 'one\n' >AGENTS.md && printf 'two\n' >CLAUDE.md
    apart bd preflight --check
    [ "$status" -eq 0 ]
    [[ "$out" == *"1 warning(s)"* ]]
}

@test "a wrong name of the database is mended where the project id proves which one is meant" {
    workspace
    bd create A --id t-a --silent
    sed -i 's/"dolt_database": "t"/"dolt_database": "other"/' .beads/metadata.json
    apart bd list
    [ "$status" = 1 ]
    [[ "$err" == *"names the database other"*"there is t"*"bd doctor"* ]]
    apart bd doctor
    [ "$status" = 1 ]
    [[ "$out" == *'metadata.json names the database "other", which is not there'* ]]
    bd doctor --fix -y
    [ "$(bd count)" = 1 ]
    sed -i 's/"dolt_database": "t"/"dolt_database": "other"/; s/"project_id": "[^"]*"/"project_id": "00000000-0000-0000-0000-000000000000"/' .beads/metadata.json
    apart bd doctor --fix -y
    [ "$status" = 1 ]
    grep -q '"dolt_database": "other"' .beads/metadata.json
}

@test "a setting that no command runs with does not stop the doctor" {
    workspace
    echo 'dolt.auto-commit: sometimes' >>.beads/config.yaml
    run bd list
    [ "$status" = 1 ]
    run bd doctor
    [[ "$output" == *'dolt.auto-commit: "sometimes" is none of'* ]]
    [[ "$output" == *"0 errors"* ]]
}

@test "files that two checks name are untracked once; hooks that call what is gone are named" {
    workspace
    bd create A --silent
    git add -f .beads/last-touched .beads/.local_version
    git commit -qm x
    bd doctor --fix -y
    printf '#!/bin/sh\n# bd sync is old\nbd sync\n' >.git/hooks/pre-push
    run bd doctor
    [[ "$output" == *"1 hook(s) call bd sync or bd daemon"* ]]
    printf '#!/bin/sh\n# bd sync is old\nmybd sync; bd sync-all\n' >.git/hooks/pre-push
    run bd doctor
    [[ "$output" != *"bd daemon"* ]]
}

@test "a replacement interrupted between its two renames is named by every command and finished by --fix" {
    workspace
    bd create "kept" >/dev/null
    dbs=$(dirname "$(find "$PWD/.beads" -maxdepth 4 -name .dolt)") && db=${dbs##*/} && dbs=${dbs%/*}
    half="$dbs/.replaced-20260101-000000-$db"
    mkdir "$half" && cp -r "$dbs/$db" "$half/$db" && mv "$dbs/$db" "$half/$db.old"
    before=$(fingerprint)
    for command in list ready "create x" "init --prefix t --non-interactive" fsck "gc --recover --yes" \
        "bootstrap --dry-run"; do
        apart bd $command
        [ "$status" -ne 0 ]
        [[ "$err" == *"interrupted"*"$half/$db"*"bd doctor --fix"* ]] || { echo "$command: $err"; false; }
    done
    [ "$(fingerprint)" = "$before" ]
    [ "$(check "Database Integrity")" = error ]
    apart bd doctor --fix --yes
    [[ "$out" == *"Put the database in its place"* ]]
    bd list | grep -q kept
    [ -d "$half/$db.old/.dolt" ] # nothing is removed

    # the roll-back of a recovery: only .dolt changes its name
    mv "$dbs/$db/.dolt" "$dbs/$db/.dolt.failed-20260101-000000"
    cp -r "$dbs/$db/.dolt.failed-20260101-000000" "$dbs/$db/.dolt.restore-20260101-000001"
    apart bd list
    [[ "$err" == *"interrupted"*".dolt.restore-"*"bd doctor --fix"* ]]
    apart bd doctor --fix --yes
    bd list | grep -q kept
    [ -d "$dbs/$db/.dolt.failed-20260101-000000" ]
    [ "$(check "Database Integrity")" = ok ]
}
