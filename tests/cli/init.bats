#!/usr/bin/env bats
# bd init: files, names, refusals.

load common
setup() { scratch_setup; }
teardown() { scratch_teardown; }

INIT="bd init --skip-hooks --skip-agents --non-interactive"

@test "init makes the workspace and commits its files, nothing else" {
    git init -q .
    echo mine >mine.txt
    git add mine.txt
    apart $INIT --prefix my-app
    [ "$status" -eq 0 ]
    [[ $out == *"bd initialized successfully!"*"Database: my_app"*"Issue prefix: my-app"* ]]
    [ "$(stat -c %a .beads)" = 700 ]
    [ "$(stat -c %a .beads/metadata.json .beads/config.yaml .beads/.gitignore | sort -u)" = 600 ]
    [ "$(json_get dolt_database <.beads/metadata.json)" = my_app ]
    [ "$(git log --format=%s)" = "bd init: initialize beads issue tracking" ]
    [ "$(git show --name-only --format= HEAD | grep -vc '^\.beads/\|^\.gitignore$')" -eq 0 ]
    [ "$(git status --short)" = "A  mine.txt" ]
    [ "$(git config beads.role)" = maintainer ]
    [ "$(bd config get issue_prefix)" = my-app ]
    grep -qx '.dolt/' .gitignore
    git check-ignore -q .beads/embeddeddolt
    git check-ignore -q .beads/last-touched
    ! grep -v '^#' .beads/config.yaml | grep -q .
}

@test "the identity is the same in metadata.json and the database" {
    workspace
    id=$(json_get project_id <.beads/metadata.json)
    [[ $id =~ ^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$ ]]
    bd config set custom.x 1
}

@test "quiet init says nothing" {
    git init -q .
    apart $INIT --quiet --prefix q
    [ -z "$out$err" ]
}

@test "without a git repository one is made" {
    apart $INIT --quiet
    [ "$status" -eq 0 ]
    [ -d .git ]
    [ "$(bd config get issue_prefix)" = ws ]
}

@test "prefix and database come from the directory's name" {
    for pair in "MyPkg.jl MyPkg_jl" "001 bd_001" ".hidden hidden" "a-b- a-b"; do
        set -- $pair
        mkdir "$SCRATCH/$1"
        cd "$SCRATCH/$1"
        $INIT --quiet
        [ "$(bd config get issue_prefix)" = "$2" ]
        [ "$(json_get dolt_database <.beads/metadata.json)" = "${2//-/_}" ]
    done
    mkdir "$SCRATCH/my project"
    cd "$SCRATCH/my project"
    apart $INIT --quiet
    [ "$status" -eq 1 ]
    [[ $err == 'Error: directory name "my project" produces an invalid database name "my project".'* ]]
    [ ! -e .beads ]
}

@test "impossible options are refused before anything is made" {
    apart $INIT --database "has spaces!"
    [[ $err == *'invalid database name "has spaces!"'* ]]
    apart $INIT --database a-b
    [[ $err == *hyphens* ]]
    apart bd init --backend sqlite
    [ "$status" -eq 1 ]
    [[ $err == *DEPRECATED* ]]
    apart bd init --backend postgres
    [[ $err == *"unknown backend"* ]]
    apart $INIT --role boss
    [[ $err == *"invalid --role"* ]]
    apart $INIT --contributor
    [[ $err == *"--non-interactive"* ]]
    apart $INIT --proxied-server
    [[ $err == *"--proxied-server is not yet implemented"* ]]
    BEADS_DOLT_SERVER_HOST=db.example.com apart $INIT
    [[ $err == *"server mode is not enabled"* ]]
    [ ! -e .beads ]
}

@test "an existing database is never replaced" {
    workspace
    apart $INIT --prefix again
    [ "$status" -eq 1 ]
    [[ $err == *"already initialized"* ]]
    [[ $err != *--reinit-local* && $err != *--force* && $err != *DESTROY* ]]
    mkdir sub
    cd sub
    apart $INIT
    [ "$status" -eq 1 ]
    [ ! -e .beads ]
}

@test "re-initializing keeps the database, its prefix and its identity" {
    workspace fi
    id=$(json_get project_id <.beads/metadata.json)
    bd config set custom.x kept
    rm .beads/metadata.json .beads/config.yaml
    apart $INIT --force --database fi --prefix other --quiet
    [ "$status" -eq 0 ]
    [[ $err == *"--force is deprecated"* ]]
    [ "$(bd config get custom.x)" = kept ]
    [ "$(bd config get issue_prefix)" = fi ]
    [ "$(json_get project_id <.beads/metadata.json)" = "$id" ]
}

@test "a remote with a database is not fought" {
    git init -q --bare "$SCRATCH/origin.git"
    git init -q .
    git commit -q --allow-empty -m start
    git push -q "$SCRATCH/origin.git" HEAD:refs/dolt/data
    git remote add origin "$SCRATCH/origin.git"
    apart $INIT --reinit-local --prefix r
    [ "$status" -eq 10 ]
    [[ $err == *"remote 'origin'"*"bd bootstrap"*"bd help init-safety"* ]]
    [[ $err != *DESTROY* ]]
    apart $INIT --reinit-local --discard-remote --prefix r
    [ "$status" -eq 12 ]
    [ ! -e .beads ]
    apart bd help init-safety
    [[ $out == *"DESTROY-<issue prefix>"* ]]
}

@test "a plain git origin becomes sync.remote" {
    git init -q --bare "$SCRATCH/origin.git"
    git init -q .
    git remote add origin "file://$SCRATCH/origin.git"
    $INIT --quiet --prefix o
    grep -qx "sync.remote: \"file://$SCRATCH/origin.git\"" .beads/config.yaml
}

@test "stealth keeps git out of it" {
    git init -q .
    git commit -q --allow-empty -m start
    $INIT --stealth --quiet --prefix s
    grep -qx '.beads/' .git/info/exclude
    [ "$(git log --format=%s)" = start ]
    [ "$(bd config get no-git-ops)" = true ]
}

@test "a failing hook of the user does not stop init" {
    git init -q .
    printf '#!/bin/sh\ntouch ran\nexit 1\n' >.git/hooks/pre-commit
    chmod +x .git/hooks/pre-commit
    $INIT --quiet --prefix h
    [ "$(git log --format=%s)" = "bd init: initialize beads issue tracking" ]
    [ ! -e ran ]
}

@test "several at once: one makes the database, the others wait their turn or say why not" {
    git init -q .
    for i in 1 2 3 4 5 6; do
        (bd init --prefix conc --force --quiet --skip-agents >"$SCRATCH/o$i" 2>&1 </dev/null; echo $? >"$SCRATCH/s$i") &
    done
    wait
    ok=0
    for i in 1 2 3 4 5 6; do
        if [ "$(cat "$SCRATCH/s$i")" = 0 ]; then ok=$((ok + 1)); else grep -q "one writer at a time" "$SCRATCH/o$i"; fi
    done
    [ "$ok" -ge 1 ]
    [ "$(bd config get issue_prefix)" = conc ]
    [ -z "$(ls -A .beads/embeddeddolt | grep -v '^conc$\|^.lock$')" ]
}

@test "what a killed init left behind does not stand in the way" {
    workspace k
    id=$(json_get project_id <.beads/metadata.json)
    mv .beads/embeddeddolt/k .beads/embeddeddolt/.bd-init-4711
    rm .beads/embeddeddolt/.bd-init-4711/.dolt/noms/manifest
    $INIT --quiet --prefix k
    [ "$(bd config get issue_prefix)" = k ]
    [ "$(json_get project_id <.beads/metadata.json)" = "$id" ]
    [ ! -e .beads/embeddeddolt/.bd-init-4711 ]
}

@test "--from-jsonl starts with the issues of an export; comments keep their ids" {
    mkdir .beads
    cat >.beads/issues.jsonl <<'END'
{"_type":"issue","id":"jl-a","title":"One","status":"open","priority":2,"issue_type":"task","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","comments":[{"id":"018f13f1-1111-7111-8111-111111111111","issue_id":"jl-a","author":"alice","text":"kept","created_at":"2026-01-02T00:00:00Z"}]}
{"_type":"issue","id":"jl-b","title":"Two","status":"closed","priority":0,"issue_type":"bug","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","dependencies":[{"issue_id":"jl-b","depends_on_id":"jl-a","type":"blocks"}]}
END
    bd init --prefix jl --from-jsonl --quiet --skip-agents --skip-hooks --non-interactive
    [ "$(bd count --json | json_get count)" = 2 ]
    [ "$(bd comments jl-a --json | json_get 0.id)" = 018f13f1-1111-7111-8111-111111111111 ]
    [ "$(bd show jl-b --json | json_get 0.dependencies.0.id)" = jl-a ]
    [ "$(git log -1 --format=%s)" = "bd init: initialize beads issue tracking" ]
}

@test "--from-jsonl creates nothing when the file is missing or cannot be read" {
    apart bd init --prefix jl --from-jsonl --quiet --skip-agents --skip-hooks --non-interactive
    [ "$status" -eq 1 ]
    [[ "$err" == *"issues.jsonl does not exist"* ]]
    [ ! -e .beads ]
    mkdir .beads
    printf 'import:\n  path: mine.jsonl\n' >.beads/config.yaml
    echo '{"id": broken' >.beads/mine.jsonl
    apart bd init --prefix jl --from-jsonl --quiet --skip-agents --skip-hooks --non-interactive
    [ "$status" -eq 1 ]
    [[ "$err" == *"mine.jsonl"*"line 1"* ]]
    [ ! -e .beads/embeddeddolt ]
}

@test "init --remote clones a folder that holds a database, and is of its project" {
    mkdir ../src && (cd ../src && workspace t && bd create "Shared" --id t-1 --silent && bd backup init ../remote && bd backup sync) >/dev/null
    git init -q .
    bd init --quiet --prefix other --remote "file://$SCRATCH/remote" --skip-hooks --skip-agents --non-interactive
    [ "$(bd show t-1 --json | json_get 0.title)" = Shared ]
    [ "$(json_get project_id <.beads/metadata.json)" = "$(json_get project_id <../src/.beads/metadata.json)" ]
    grep -q "file://$SCRATCH/remote" .beads/config.yaml .beads/embeddeddolt/other/.dolt/repo_state.json
    bd create "Mine" --json | json_get id | grep -q '^t-'
}

@test "init --remote of an empty folder makes a new database that knows it; a wrong one makes nothing" {
    git init -q .
    for url in nonsense://x https://example.invalid/x/y; do
        run bd init --quiet --prefix n --remote "$url" --skip-hooks --skip-agents --non-interactive
        [ "$status" -eq 1 ]
        [[ $output == *"failed to clone remote \"$url\""*Hint:* ]]
        [ ! -e .beads ]
    done
    mkdir ../empty
    bd init --quiet --prefix n --remote "file://$SCRATCH/empty" --skip-hooks --skip-agents --non-interactive
    grep -q "file://$SCRATCH/empty" .beads/embeddeddolt/n/.dolt/repo_state.json
    bd create "Mine" --json | json_get id | grep -q '^n-'
}

@test "remotes have names; origin is sync.remote" {
    workspace
    bd dolt remote list | grep -qx "No remotes configured."
    bd dolt remote add origin "file://$SCRATCH/r1" | grep -q 'Added remote "origin"'
    bd dolt remote add other "file://$SCRATCH/r2" >/dev/null
    [ "$(bd dolt remote list --json | json_get 1.sql_url)" = "file://$SCRATCH/r2" ]
    grep -q "^sync.remote: .*r1" .beads/config.yaml
    run bd dolt remote add "bad name" file:///x
    [ "$status" -eq 1 ]
    bd dolt remote remove origin --json | json_get removed | grep -qx true
    run bd dolt remote remove origin
    [ "$status" -eq 1 ]
    [[ $output == *"not found"* ]]
    ! grep -q "^sync.remote:" .beads/config.yaml
}

@test "without the program git the workspace is made all the same" {
    mkdir "$SCRATCH/only" plain && cd plain
    ln -s "$(command -v bd)" "$SCRATCH/only/bd"
    only() { /usr/bin/env PATH="$SCRATCH/only" bd "$@"; }
    apart only init --prefix t --non-interactive
    [ "$status" = 0 ]
    [[ "$err" == *"git is not installed here"* ]]
    only create One --id t-a --silent
    [ "$(only count)" = 1 ]
    only doctor
}
