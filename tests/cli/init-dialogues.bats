#!/usr/bin/env bats
# bd init --contributor and --team: questions first, settings and branches then.

load common
setup() {
    scratch_setup
    export BD_NON_INTERACTIVE=0 # answers come from standard input
    git init -q .
    git commit -q --allow-empty -m start
}
teardown() { scratch_teardown; }

INIT="bd init --prefix t --skip-hooks --skip-agents"

@test "a contributor's issues get a repository of their own" {
    git remote add upstream https://example.com/up.git
    printf '~/plans\nn\n' | $INIT --contributor
    bd config show | grep -q "routing.contributor *= *$HOME/plans .*(database)"
    bd config show | grep -q "routing.mode *= *auto .*(database)"
    [ "$(git config beads.role)" = contributor ]
    [ -d "$HOME/plans/.git" ]
    [ "$(git -C "$HOME/plans" log --format=%s)" = "Start planning" ]
    grep -q "$HOME/plans" .beads/config.yaml
    [ ! -e "$HOME/.beads-planning" ]
    bd list | grep -q "No issues" # that repository has no database yet: this one is listed
    bd create "Mine" --id t-mine --silent
    [ "$(bd list --json | json_get 0.id)" = t-mine ]
    [ "$(bd ready --json | json_get 0.id)" = t-mine ]
    [ "$(bd -C "$HOME/plans" count)" = 1 ]
    [ "$(bd --db .beads/embeddeddolt/t list --json)" = "[]" ]
}

@test "who may push to origin is asked whether a repository of their own is wanted" {
    git remote add upstream https://example.com/up.git
    git remote add origin git@example.com:me/fork.git
    printf 'n\nn\n' | $INIT --contributor --remote ""
    ! bd config show | grep -q "routing.contributor.*(database)"
    mkdir ../https && cd ../https && git init -q . && git commit -q --allow-empty -m start
    git remote add origin https://example.com/me/fork.git
    printf 'y\n~/plans\nn\n' | $INIT --contributor --remote ""
    bd config show | grep -q "routing.contributor *= *$HOME/plans .*(database)"
}

@test "whoever says no gets an ordinary workspace" {
    printf 'n\nn\n' | $INIT --contributor
    ! bd config show | grep -q "routing.contributor.*(database)"
    bd create "works" --quiet
    [ ! -e "$HOME/.beads-planning" ]
}

@test "a team with a protected branch gets one for its issue files" {
    printf 'y\nissues/sync\nn\n' | $INIT --team
    [ "$(bd config get team.enabled)" = true ]
    [ "$(bd config get team.sync_branch)" = issues/sync ]
    git rev-parse --verify -q refs/heads/issues/sync
    [ "$(git symbolic-ref --short HEAD)" = main ]
}

@test "a team without one commits where it is" {
    printf 'n\nn\n' | $INIT --team
    [ "$(bd config get team.sync_branch)" = main ]
    [ "$(git branch --format='%(refname:short)')" = main ]
}

@test "a name that is none is refused before anything is written" {
    run bash -c "printf 'y\n--bad..name\n' | $INIT --team"
    [ "$status" -eq 1 ]
    [ ! -e .beads/metadata.json ]
    BD_NON_INTERACTIVE=1 run $INIT --team
    [ "$status" -eq 1 ]
    BD_NON_INTERACTIVE=1 run $INIT --contributor
    [ "$status" -eq 1 ]
}

@test "Ctrl-C at a question ends with 130 and leaves nothing behind" {
    mkfifo answers
    $INIT --contributor <answers >said 2>&1 &
    local bd=$!
    exec 7>answers # holds the pipe open: the question gets no answer
    until grep -q 'y/N' said; do kill -0 $bd; done
    kill -INT $bd
    local status=0
    wait $bd || status=$?
    exec 7>&-
    [ "$status" -eq 130 ]
    grep -q "canceled" said
    [ ! -e .beads/metadata.json ]
}
