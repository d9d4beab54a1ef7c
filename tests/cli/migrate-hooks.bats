#!/usr/bin/env bats
# Git hooks that older versions installed: what `bd migrate hooks` sees in them.

load common
setup() {
    scratch_setup
    git init -q .
    rm -f .git/hooks/*
    cd .git/hooks
    printf '#!/bin/sh\n# bd-shim v1\nexec bd hook pre-commit "$@"\n' >pre-commit
    printf '#!/bin/sh\nmake check\n' >pre-commit.old
    printf '#!/bin/sh\nmine\n# --- BEGIN BEADS INTEGRATION v1 ---\n' >post-merge
    printf '#!/bin/sh\nx\n' >post-checkout.backup
    printf '#!/bin/sh\n# --- BEGIN BEADS INTEGRATION v1 ---\n# --- END BEADS INTEGRATION v1 ---\n' >prepare-commit-msg
    cd ../..
}
teardown() { scratch_teardown; }

state_of() { python3 -c 'import json,sys
print({h["name"]: h for h in json.load(sys.stdin)["plan"]["hooks"]}[sys.argv[1]]["state"])' "$1"; }

@test "every kind of hook is recognised, and looking changes nothing" {
    before=$(find .git/hooks -type f | sort | xargs sha256sum)
    apart bd migrate hooks --dry-run --json
    [ "$status" = 0 ]
    [ "$(state_of pre-commit <<<"$out")" = legacy_with_old_sidecar ]
    [ "$(state_of post-merge <<<"$out")" = marker_broken ]
    [ "$(state_of post-checkout <<<"$out")" = missing_with_backup_sidecar ]
    [ "$(state_of prepare-commit-msg <<<"$out")" = marker_managed ]
    [ "$(state_of pre-push <<<"$out")" = missing_no_artifacts ]
    [ "$(json_get operation_count <<<"$out")" = 5 ]
    [ "$before" = "$(find .git/hooks -type f | sort | xargs sha256sum)" ]
}

@test "a hook that somebody changed is left alone" {
    printf '#!/bin/sh\n# bd (beads)\nbd hooks run pre-push "$@"\nmake lint\n' >.git/hooks/pre-push
    before=$(find .git/hooks -type f | sort | xargs sha256sum)
    apart bd migrate hooks --apply --yes --json
    [ "$status" = 1 ]
    [[ "$out" == *"somebody added"* ]]
    [ "$before" = "$(find .git/hooks -type f | sort | xargs sha256sum)" ]
}

@test "exactly one mode, and consent" {
    apart bd migrate hooks
    [ "$status" = 1 ]
    apart bd migrate hooks --dry-run --apply
    [ "$status" = 1 ]
    apart bd migrate hooks --dry-run --yes
    [[ "$status" = 1 && "$err" == *"--yes requires --apply"* ]]
    apart bd migrate hooks --apply
    [[ "$status" = 1 && "$err" == *"--yes"* ]]
}

@test "outside git there is nothing to do" {
    mkdir "$SCRATCH/bare" && cd "$SCRATCH/bare"
    apart bd migrate hooks --dry-run --json
    [ "$(json_get plan.is_git_repo <<<"$out")" = false ]
    [ "$(json_get operation_count <<<"$out")" = 0 ]
}
