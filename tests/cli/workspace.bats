#!/usr/bin/env bats
# Finding the workspace: directories upwards, -C, --db, BEADS_DIR, redirects, worktrees.

load common
setup() { scratch_setup; }
teardown() { scratch_teardown; }

@test "without a workspace commands say so in three lines" {
    for flag in "" --json; do
        apart bd ping $flag
        [ "$status" -eq 1 ]
        [ -z "$out" ]
        [ "$(sed -n 1p <<<"$err")" = "Error: no beads database found" ]
        [ "$(wc -l <<<"$err")" -eq 3 ]
    done
    apart bd where --json
    [ "$status" -eq 1 ]
    [ "$(json_get error <<<"$out")" = no_beads_directory ]
}

@test "a workspace is found from below, not across the border of the repository" {
    workspace
    mkdir -p a/b
    cd a/b
    [ "$(bd where | head -1)" = "$SCRATCH/ws/.beads" ]
    [ "$(bd where --json | json_get prefix)" = t ]
    git init -q .
    run bd where
    [ "$status" -eq 1 ]
}

@test "-C takes the workspace of another directory" {
    workspace
    mkdir sub
    cd "$SCRATCH"
    [ "$(bd -C ws/sub where | head -1)" = "$SCRATCH/ws/.beads" ]
    apart bd -C home where
    [ "$status" -eq 1 ]
    [ "$err" = 'Error: cannot use -C directory "home": no beads project found' ]
    touch file
    apart bd -C file where
    [ "$err" = 'Error: cannot use -C directory "file": not a directory' ]
}

@test "BEADS_DIR, BEADS_DB and BD_DB choose; empty ones do not count" {
    workspace
    mkdir "$SCRATCH/two"
    (cd "$SCRATCH/two" && workspace two)
    [ "$(BEADS_DIR=$SCRATCH/two/.beads bd config get issue_prefix)" = two ]
    [ "$(BEADS_DB=$SCRATCH/two/.beads bd config get issue_prefix)" = two ]
    [ "$(BD_DB=$SCRATCH/two/.beads/embeddeddolt bd config get issue_prefix)" = two ]
    [ "$(BEADS_DB=$SCRATCH/ws/.beads BD_DB=$SCRATCH/two/.beads bd config get issue_prefix)" = t ]
    [ "$(BEADS_DIR= BEADS_DB= BD_DB= bd config get issue_prefix)" = t ]
    [ "$(BEADS_DB=$SCRATCH/ws/.beads bd --db "$SCRATCH/two/.beads" config get issue_prefix)" = two ]
}

@test "--db opens a database directly, with or without a workspace around it" {
    workspace
    [ "$(bd --db .beads/embeddeddolt/t config get issue_prefix)" = t ]
    cp -r .beads/embeddeddolt/t "$SCRATCH/alone"
    cd "$SCRATCH"
    [ "$(bd --db alone config get issue_prefix)" = t ]
    bd --db alone config set custom.x 1
    [ "$(bd --db alone config get custom.x)" = 1 ]
    [ ! -e alone/.local_version ]
    apart bd --db nothing-here ping
    [ "$status" -eq 1 ]
    [[ $err == *"nothing-here"* ]]
}

@test "a bare chunk store opens for reading only" {
    workspace
    cp -r .beads/embeddeddolt/t/.dolt/noms "$SCRATCH/bare"
    cd "$SCRATCH"
    [ "$(bd --db bare config get issue_prefix)" = t ]
    before=$(cd bare && sha256sum manifest vvvv*)
    run bd --db bare config set custom.x 1
    [ "$status" -eq 1 ]
    [ "$before" = "$(cd bare && sha256sum manifest vvvv*)" ]
}

@test "a redirect is followed once; a broken one is a warning" {
    workspace
    mkdir -p side/.beads broken/.beads
    printf '# comment\n\n../.beads\n' >side/.beads/redirect
    echo nowhere/.beads >broken/.beads/redirect
    cd side
    apart bd where --json
    [ "$(json_get path <<<"$out")" = "$SCRATCH/ws/.beads" ]
    [ "$(json_get redirected_from <<<"$out")" = "$SCRATCH/ws/side/.beads" ]
    cd ../broken
    apart bd where
    [ "$status" -eq 0 ]
    [[ $out == "$SCRATCH/ws/.beads"* ]]
    [[ $err == "Warning: redirect target does not exist or is not a directory: $SCRATCH/ws/broken/nowhere/.beads" ]]
}

@test "linked worktrees share the main repository's workspace" {
    workspace
    git worktree add -q ../tree
    cd ../tree
    [ -f .beads/metadata.json ]
    [ "$(bd where | head -1)" = "$SCRATCH/ws/.beads" ]
    [ "$(bd context --json | json_get is_worktree)" = true ]
}

@test "open permissions of .beads are pointed out" {
    workspace
    chmod 755 .beads
    apart bd where
    [[ $err == *"has permissions 0755 (recommended: 0700)"* ]]
}

@test "variables of .beads/.env hold for the workspace, the shell's win" {
    workspace
    echo 'BEADS_ACTOR=from-file' >.beads/.env
    bd config set custom.a 1
    bd config set custom.b 2 --actor zed
    BEADS_ACTOR=shell bd config set custom.c 3
    messages=$(bd vc log --json 2>/dev/null || true)
    if [ -n "$messages" ]; then
        [[ $messages == *"by from-file"* && $messages == *"by zed"* && $messages == *"by shell"* ]]
    fi
}

@test "commands that only read leave every byte of the store alone" {
    workspace
    before=$(cd .beads/embeddeddolt/t/.dolt/noms && sha256sum manifest vvvv*)
    bd ping
    bd info --json >/dev/null
    bd config list >/dev/null
    [ "$before" = "$(cd .beads/embeddeddolt/t/.dolt/noms && sha256sum manifest vvvv*)" ]
}

@test "a store of another project is not written" {
    workspace
    sed -i 's/"project_id": "[^"]*"/"project_id": "00000000-0000-4000-8000-000000000000"/' .beads/metadata.json
    bd config get issue_prefix
    apart bd config set custom.x 1
    [ "$status" -eq 1 ]
    [[ $err == "Error: workspace identity mismatch detected"* ]]
    BEADS_SKIP_IDENTITY_CHECK=1 bd config set custom.x 1
}

@test "a lost metadata.json does not hide the only database" {
    workspace
    rm .beads/metadata.json
    apart bd config get issue_prefix
    [ "$out" = t ]
    [[ $err == *"no beads configuration found"* ]]
}

@test "with a damaged metadata.json bd reads, and writes nothing" {
    workspace
    echo "{broken" >.beads/metadata.json
    [ "$(bd config get issue_prefix 2>/dev/null)" = t ]
    apart bd config set custom.x 1
    [ "$status" -eq 1 ]
    [[ $err == *"metadata.json is damaged"* ]]
}

@test "an empty database beside an export that nobody imported is pointed out, not changed" {
    workspace
    echo '{"_type":"issue","id":"t-a","title":"One","status":"open","priority":2,"issue_type":"task","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}' >.beads/issues.jsonl
    apart bd list --json
    [ "$out" = "[]" ]
    [[ "$err" == *"the database is empty, but "*"issues.jsonl"*"bd import"* ]]
    apart bd create Two --silent
    [[ "$err" == *"auto-imported 1 issues"* ]]
    apart bd list --json
    [ -z "$err" ]
    [ "$(bd count --json | json_get count)" = 2 ]
}

@test "show finds an issue of another project by the routes of the workspace" {
    workspace
    mkdir ../other
    (cd ../other && workspace ot && bd create "Other" --id ot-a --silent)
    echo '{"prefix":"ot-","path":"../other"}' >.beads/routes.jsonl
    [ "$(bd show ot-a --json | json_get 0.title)" = Other ]
    run bd show ot-b
    [ "$status" -eq 1 ]
}
