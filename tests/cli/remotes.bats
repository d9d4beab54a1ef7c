#!/usr/bin/env bats
# bd dolt push, fetch, pull: what travels, what is refused.

load common
setup() { scratch_setup; }
teardown() { scratch_teardown; }

clone() { # directory
    mkdir "$SCRATCH/$1" && cd "$SCRATCH/$1" && git init -q . &&
        bd init --quiet --prefix c --remote "file://$SCRATCH/remote" --skip-hooks --skip-agents --non-interactive >/dev/null
}

# So that both sides' updated_at differ, as they do in life.
sleep_into_next_second() {
    local now=$(date +%s)
    while [ "$(date +%s)" = "$now" ]; do :; done
}

shared() {
    workspace t
    bd create "One" --id t-1 --silent >/dev/null
    bd dolt remote add origin "file://$SCRATCH/remote" >/dev/null
    [ "$(bd dolt push)" = $'Pushing to Dolt remote...\nPush complete.' ]
    main=$PWD
}

@test "without a remote push, fetch and pull say so and succeed" {
    workspace t
    for verb in push fetch pull; do
        run bd dolt $verb
        [ "$status" -eq 0 ]
        [[ $output == "No remote is configured — skipping."*"bd dolt remote add origin <url>"* ]]
    done
}

@test "an unknown remote is an error that says what to do" {
    shared
    for verb in push fetch pull; do
        apart bd dolt $verb --remote nope
        [ "$status" -eq 1 ]
        [[ $out == *'Dolt remote "nope"...' ]]
        [[ $err == *"remote 'nope' not found"*"bd dolt remote list"* ]]
    done
}

@test "issues travel through a folder, and both sides' edits of one issue are kept" {
    shared
    clone other
    [ "$(bd list --json | json_get 0.id)" = t-1 ]
    bd update t-1 --title "Renamed" -q
    bd create "Two" --id t-2 --silent >/dev/null
    bd dolt push >/dev/null
    cd "$main"
    sleep_into_next_second
    bd update t-1 -p 0 -q
    apart bd dolt push
    [ "$status" -eq 1 ]
    [[ $err == *"non-fast-forward"*"nothing was pushed"*"bd dolt pull"* ]]
    [ "$(bd dolt pull)" = $'Pulling from Dolt remote...\nPull complete.' ]
    [ "$(bd show t-1 --json | json_get 0.title)" = Renamed ]
    [ "$(bd show t-1 --json | json_get 0.priority)" = 0 ]
    bd show t-2 >/dev/null
    bd dolt push >/dev/null
    cd "$SCRATCH/other"
    bd dolt pull >/dev/null
    [ "$(bd show t-1 --json | json_get 0.priority)" = 0 ]
    bd fsck >/dev/null
}

@test "the same field changed on both sides: the newer edit wins and it is said" {
    shared
    clone other
    bd update t-1 --title "Theirs" -q
    bd dolt push >/dev/null
    cd "$main"
    bd update t-1 --title "Ours, later" -q
    run bd dolt pull
    [ "$status" -eq 0 ]
    [[ $output == *"the same 1 row(s)"*"newer value"*"Pull complete." ]]
    bd dolt push >/dev/null
    cd "$SCRATCH/other"
    bd dolt pull >/dev/null
    [ "$(bd show t-1 --json | json_get 0.title)" = "$(cd "$main" && bd show t-1 --json | json_get 0.title)" ]
}

@test "what is blocked is right after a merge, whoever closed the blocker" {
    shared
    bd create "Two" --id t-2 --silent >/dev/null
    bd dolt push >/dev/null
    clone other
    bd dep add t-2 t-1 >/dev/null
    bd dolt push >/dev/null
    cd "$main"
    bd close t-1 >/dev/null
    bd dolt pull >/dev/null
    [ "$(bd ready --json | json_get 0.id)" = t-2 ]
}

@test "a forced push replaces the branch and says what it was" {
    shared
    clone other
    bd create "Two" --id t-2 --silent >/dev/null
    bd dolt push >/dev/null
    cd "$main"
    bd create "Three" --id t-3 --silent >/dev/null
    apart bd dolt push --force
    [ "$status" -eq 0 ]
    [[ $err =~ ^origin/main\ was\ [0-9a-v]{32}$ ]]
    clone third
    run bd show t-2
    [ "$status" -ne 0 ]
    bd show t-3 >/dev/null
}

@test "two projects do not mix" {
    shared
    mkdir "$SCRATCH/stranger" && cd "$SCRATCH/stranger" && workspace s
    bd dolt remote add origin "file://$SCRATCH/remote" >/dev/null
    apart bd dolt push
    [ "$status" -eq 1 ]
    [[ $err == *"no common ancestor"*"nothing was pushed"*"bd bootstrap"* ]]
    apart bd dolt pull
    [ "$status" -eq 1 ]
    [[ $err == *"no common ancestor"* ]]
    [ "$(bd list --json)" = "[]" ]
}

@test "fetch brings the branch and merges nothing" {
    shared
    clone other
    bd create "Two" --id t-2 --silent >/dev/null
    bd dolt push >/dev/null
    cd "$main"
    [ "$(bd dolt fetch | tail -1)" = "Fetch complete: 1 of 1 branches moved." ]
    run bd show t-2
    [ "$status" -ne 0 ]
    bd vc merge origin/main >/dev/null
    bd show t-2 >/dev/null
}

@test "remotes of kinds that are not built are refused in words" {
    shared
    bd dolt remote add far "https://example.invalid/x/y" >/dev/null
    for verb in push fetch pull; do
        apart bd dolt $verb --remote far
        [ "$status" -eq 1 ]
        [[ $err == *"https://example.invalid/x/y"*"reaches only"* ]]
    done
}

@test "a read-only session neither pushes nor pulls" {
    shared
    for verb in push fetch pull; do
        run bd --readonly dolt $verb
        [ "$status" -ne 0 ]
    done
}

@test "dolt show says where the database is, and the remotes" {
    shared
    bd dolt show | grep -q "origin *file://$SCRATCH/remote"
    [[ $(bd dolt show) == *"Mode:     embedded"*"Data:     "*embeddeddolt* ]]
    [ "$(bd dolt show --json | json_get embedded)" = true ]
}

# ---- git repositories ----

# A bare repository with one commit, and a clone of it with a workspace.
git_shared() {
    git init -q --bare "$SCRATCH/origin.git"
    git init -q .
    git commit -q --allow-empty -m start
    git remote add origin "file://$SCRATCH/origin.git"
    git push -q -u origin HEAD:main
    workspace t
    bd create "One" --id t-1 --silent >/dev/null
    main=$PWD
}
git_clone() { # directory
    git clone -q -b main "$SCRATCH/origin.git" "$SCRATCH/$1"
    cd "$SCRATCH/$1"
    git remote set-url origin "file://$SCRATCH/origin.git"
}

@test "git's origin is the remote: a push makes refs/dolt/data, bootstrap and init clone it" {
    git_shared
    bd dolt remote list | grep -q "^origin *git+file://$SCRATCH/origin.git$"
    [ "$(bd dolt push | tail -1)" = "Push complete." ]
    git ls-remote origin refs/dolt/data | grep -q refs/dolt/data
    [ "$(bd dolt push | tail -1)" = "Push complete." ]
    [ "$(git -C "$SCRATCH/origin.git" rev-list --count refs/dolt/data)" -eq 1 ]
    git_clone booted
    bd bootstrap --yes >/dev/null 2>&1
    bd show t-1 >/dev/null
    bd dolt remote list | grep -q "^origin *git+file://$SCRATCH/origin.git$"
    git_clone inited
    bd init --quiet --prefix z --skip-hooks --skip-agents --non-interactive
    bd show t-1 >/dev/null
    bd create "Two" --id t-2 --silent >/dev/null
    bd dolt push >/dev/null
    cd "$main"
    bd update t-1 -p 0 -q
    run bd dolt push
    [ "$status" -eq 1 ]
    [[ $output == *"non-fast-forward"* ]]
    bd dolt pull >/dev/null
    bd dolt push >/dev/null
    cd "$SCRATCH/booted"
    bd dolt pull >/dev/null
    [ "$(bd show t-1 --json | json_get 0.priority)" = 0 ]
    bd show t-2 >/dev/null
    bd fsck >/dev/null
    [ -z "$(ls "$SCRATCH"/*/.beads/embeddeddolt/*/.dolt/git-remote-cache/*/ 2>/dev/null | grep '^open-')" ]
}

@test "a git origin that comes later is adopted by the first push, of the workspace that was named" {
    workspace t
    git commit -q --allow-empty -m start
    git init -q --bare "$SCRATCH/later.git"
    git init -q --bare "$SCRATCH/elsewhere.git"
    git remote add origin "file://$SCRATCH/later.git"
    here=$PWD
    mkdir "$SCRATCH/ambient" && cd "$SCRATCH/ambient" && git init -q . && git remote add origin "file://$SCRATCH/elsewhere.git"
    run bd -C "$here" dolt push
    [ "$status" -eq 0 ]
    [[ $output == "Configured Dolt remote origin from git origin."*"Push complete." ]]
    git ls-remote "$SCRATCH/later.git" refs/dolt/data | grep -q refs/dolt/data
    [ -z "$(git ls-remote "$SCRATCH/elsewhere.git")" ]
    grep -qx "sync.remote: \"file://$SCRATCH/later.git\"" "$here/.beads/config.yaml"
}

@test "without a remote of its own a stealth workspace gets none from git" {
    git init -q --bare "$SCRATCH/origin.git"
    git init -q .
    git remote add origin "file://$SCRATCH/origin.git"
    bd init --quiet --stealth --prefix t --skip-agents --non-interactive
    bd dolt remote list | grep -qx "No remotes configured."
}

@test "writers of a git remote at the same time lose nothing" {
    git_shared
    bd dolt push >/dev/null
    for n in 1 2 3; do
        git_clone "w$n"
        bd bootstrap --yes >/dev/null 2>&1
        bd create "By $n" --id "t-w$n" --silent >/dev/null
    done
    for n in 1 2 3; do
        (cd "$SCRATCH/w$n" && for i in 1 2 3 4 5 6 7 8; do bd dolt pull >/dev/null && bd dolt push >/dev/null 2>&1 && break; done) 3>&- &
    done
    wait
    cd "$main"
    bd dolt pull >/dev/null
    for n in 1 2 3; do bd show "t-w$n" >/dev/null; done
}

@test "a git remote that holds something else, or cannot be reached, changes nothing" {
    git_shared
    git push -q origin HEAD:refs/dolt/data
    run bd dolt push
    [ "$status" -eq 1 ]
    [[ $output == *"no Dolt database"* ]]
    bd dolt remote add gone "git+file://$SCRATCH/no-such.git" >/dev/null
    run bd dolt push --remote gone
    [ "$status" -eq 1 ]
    [[ $output == *"cannot read file://$SCRATCH/no-such.git"* ]]
    [[ $(bd dolt remote add secret "git+http://me:hidden@127.0.0.1:1/x.git" 2>&1 && bd dolt remote list --json) != *hidden* ]]
    run bd dolt push --remote secret
    [ "$status" -eq 1 ]
    [[ $output == *"http://me@127.0.0.1:1/x.git"* && $output != *hidden* ]]
}
