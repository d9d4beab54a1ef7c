#!/usr/bin/env bats
# bd hooks: sections in git hooks, what the hooks do, and that foreign hooks keep running.

load common
setup() { scratch_setup; }
teardown() { scratch_teardown; }

hook() { # name text: an executable hook of the user's in .git/hooks
    mkdir -p .git/hooks
    printf '%s\n' "$2" >".git/hooks/$1"
    chmod 755 ".git/hooks/$1"
}

@test "install, list, uninstall" {
    workspace
    apart bd hooks install
    [ "$status" -eq 0 ]
    [[ $out == "✓ Git hooks installed successfully"* ]]
    for h in pre-commit post-merge pre-push post-checkout prepare-commit-msg; do
        [ "$(stat -c %a .git/hooks/$h)" = 755 ]
        [ "$(head -1 .git/hooks/$h)" = '#!/usr/bin/env sh' ]
        [ "$(grep -c 'BEGIN BEADS INTEGRATION v[0-9.]* ---$' .git/hooks/$h)" = 1 ]
        sh -n .git/hooks/$h
    done
    [ "$(bd hooks list --json | json_get hooks.0.Installed)" = true ]
    [ "$(bd hooks list --json | json_get hooks.4.IsShim)" = true ]
    before=$(cat .git/hooks/*)
    bd hooks install
    [ "$(cat .git/hooks/*)" = "$before" ]
    [ "$(bd hooks uninstall --json | json_get success)" = true ]
    [ ! -e .git/hooks/pre-commit ]
    [ "$(bd hooks list --json | json_get hooks.0.Installed)" = false ]
    [ ! -e .git/hooks/post-checkout ]
}

@test "what stands around the section stays, also through uninstall" {
    workspace
    hook pre-commit '#!/bin/bash
echo mine >>ran'
    cp .git/hooks/pre-commit "$SCRATCH/mine"
    bd hooks install
    [ "$(head -1 .git/hooks/pre-commit)" = '#!/bin/bash' ]
    touch a && git add a && git commit -qm a
    [ "$(cat ran)" = mine ]
    bd hooks uninstall
    cmp .git/hooks/pre-commit "$SCRATCH/mine"
}

@test "the section is reached although the hook ends with exec" {
    workspace
    hook pre-commit '#!/bin/sh
PYTHON=python3
if [ -x "$PYTHON" ]; then
    exec "$PYTHON" -mframework
elif command -v framework >/dev/null; then
    exec framework
else
    echo "framework not found" 1>&2
    exit 1
fi'
    bd hooks install
    begin=$(grep -n 'BEGIN BEADS' .git/hooks/pre-commit | cut -d: -f1)
    block=$(grep -n '^if \[ -x "$PYTHON"' .git/hooks/pre-commit | cut -d: -f1)
    [ "$begin" -lt "$block" ]
    [ "$(sed -n 2p .git/hooks/pre-commit)" = PYTHON=python3 ]
}

@test "damaged markers are cleaned up" {
    workspace
    hook pre-commit '#!/bin/sh
# --- BEGIN BEADS INTEGRATION v0.5 ---
old line

echo kept'
    hook pre-push '#!/bin/sh
echo kept
# --- END BEADS INTEGRATION v0.5 ---'
    hook post-merge '#!/bin/sh
# bd-shim v0.40
exec bd hooks run post-merge "$@"'
    bd hooks install
    ! grep -q 'old line\|v0.5 ' .git/hooks/pre-commit .git/hooks/pre-push
    for h in pre-commit pre-push; do
        grep -qx 'echo kept' .git/hooks/$h
        [ "$(grep -c 'BEGIN BEADS' .git/hooks/$h)" = 1 ]
        [ "$(grep -c 'END BEADS' .git/hooks/$h)" = 1 ]
    done
    ! grep -q bd-shim .git/hooks/post-merge
}

@test "--beads and --shared point git elsewhere and take the user's hooks along" {
    workspace
    hook commit-msg '#!/bin/sh
echo checked >>ran'
    hook pre-commit '#!/bin/sh
echo first >>ran'
    apart bd hooks install --beads
    [[ $out == *"Preserving existing commit-msg hook from "*"/.git/hooks"* ]]
    [ "$(git config core.hooksPath)" = "$SCRATCH/ws/.beads/hooks" ]
    [ "$(stat -c %a .beads/hooks)" = 700 ]
    touch a && git add a && git commit -qm a
    [ "$(cat ran)" = "first
checked" ]
    [ ! -e .beads/hooks/pre-commit.sample ]
    bd hooks uninstall
    run git config core.hooksPath
    [ "$status" -ne 0 ]
    bd hooks install --shared
    [ "$(git config core.hooksPath)" = "$SCRATCH/ws/.beads-hooks" ]
    [ -x .beads-hooks/commit-msg ]
}

@test "hooks of husky run without its helpers" {
    workspace
    mkdir -p .husky/_
    printf '%s\n' '#!/usr/bin/env sh' '. "$(dirname -- "$0")/_/husky.sh"' 'echo eight >>ran' >.husky/pre-commit
    chmod 755 .husky/pre-commit
    git config core.hooksPath .husky
    bd hooks install --beads
    ! grep -q husky.sh .beads/hooks/pre-commit
    grep -q node_modules/.bin .beads/hooks/pre-commit
    touch a && git add a && git commit -qm a
    [ "$(cat ran)" = eight ]
}

@test "the second worktree runs the same hooks" {
    workspace
    bd hooks install --beads
    git worktree add -q ../other
    cd ../other
    [ "$(bd hooks list --json | json_get hooks.0.Installed)" = true ]
    touch b && git add b && BD_ACTOR=ann git commit -qm b
    [ "$(git log -1 --format=%B | grep Executed-By)" = "Executed-By: ann" ]
}

@test "prepare-commit-msg names the actor once, and never in merges" {
    workspace
    bd hooks install
    touch a && git add a && BD_ACTOR=ann git commit -qm "a"
    [ "$(git log -1 --format=%B)" = "a

Executed-By: ann" ]
    BD_ACTOR=bob git commit -q --amend --no-edit
    [ "$(git log -1 --format=%B | grep -c Executed-By)" = 1 ]
    echo text >msg
    BD_ACTOR=ann bd hooks run prepare-commit-msg msg merge
    [ "$(cat msg)" = text ]
    bd hooks run prepare-commit-msg msg message
    [ "$(cat msg)" = text ]
    chmod 640 msg
    BD_ACTOR=ann bd hooks run prepare-commit-msg msg message
    [ "$(stat -c %a msg)" = 640 ]
}

@test "pre-commit writes and stages the export when something in .beads is staged" {
    workspace
    bd config set export.auto true
    bd config set export.git-add true
    bd hooks install
    bd create "One" --quiet
    rm -f .beads/issues.jsonl
    touch a && git add a && git commit -qm a
    [ ! -e .beads/issues.jsonl ]
    touch .beads/extra && git add -f .beads/extra
    git commit -qm b
    git show HEAD:.beads/issues.jsonl | grep -q '"title":"One"'
}

@test "post-merge and a change of branch import the file, a checkout of files does not" {
    workspace
    bd config set import.auto true
    bd create "One" --id t-1 --quiet
    echo '{"_type":"issue","id":"t-2","title":"Two","status":"open","priority":1,"issue_type":"task","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}' >.beads/issues.jsonl
    bd hooks run post-checkout a b 0
    run bd show t-2
    [ "$status" -ne 0 ]
    bd hooks run post-checkout a b 1
    bd show t-2
    sed -i 's/t-2/t-3/' .beads/issues.jsonl
    bd hooks run post-merge 0
    bd show t-3
}

@test "a hook that was moved aside runs first and decides" {
    workspace
    bd hooks install
    hook pre-push.old '#!/bin/sh
read line; echo "$1 $line" >>ran; exit 7'
    run bd hooks run pre-push origin <<<"refs"
    [ "$status" -eq 7 ]
    [ "$(cat ran)" = "origin refs" ]
    hook pre-push.old '#!/bin/sh
# bd (beads) pre-push hook
exit 9'
    bd hooks run pre-push origin
}

@test "a hook never keeps git from its work because bd fails" {
    workspace
    bd hooks install
    rm -rf .beads
    touch a && git add a && git commit -qm a
    mkdir "$SCRATCH/broken"
    for s in 3 124; do
        printf '#!/bin/sh\nexit %s\n' $s >"$SCRATCH/broken/bd"
        chmod 755 "$SCRATCH/broken/bd"
        PATH=$SCRATCH/broken:$PATH git commit -q --allow-empty -m "$s" 2>"$SCRATCH/err"
        grep -q "^beads: hook\|^beads: database" "$SCRATCH/err"
    done
    printf '#!/bin/sh\nexit 5\n' >"$SCRATCH/broken/bd"
    run env PATH="$SCRATCH/broken:$PATH" git commit -q --allow-empty -m no
    [ "$status" -ne 0 ]
}

@test "an unknown hook is refused, and so is everything outside of git" {
    workspace
    apart bd hooks run nonsense
    [ "$status" -eq 1 ]
    [ "$err" = "Error: unknown hook: nonsense" ]
    mkdir "$SCRATCH/plain" && cd "$SCRATCH/plain"
    apart bd hooks install
    [ "$status" -eq 1 ]
    [[ $err == *"not a git repository"* ]]
    [ "$(bd hooks list --json | json_get hooks.2.Installed)" = false ]
}
