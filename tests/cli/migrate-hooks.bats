#!/usr/bin/env bats
# Git hooks that older versions installed: what `bd migrate hooks` sees in them and makes of them.

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

@test "what was kept aside comes back around bd's section, and the copy is kept" {
    apart bd migrate hooks --apply --yes --json
    [ "$status" = 0 ]
    [ "$(json_get result.written_hook_count <<<"$out")" = 3 ]
    [ "$(json_get result.retired_count <<<"$out")" = 2 ]
    grep -q '^make check$' .git/hooks/pre-commit
    ! grep -q 'bd-shim' .git/hooks/pre-commit
    grep -q '^mine$' .git/hooks/post-merge
    [ "$(grep -c 'BEGIN BEADS INTEGRATION' .git/hooks/post-merge)" = 1 ]
    [ "$(grep -c 'END BEADS INTEGRATION' .git/hooks/post-merge)" = 1 ]
    grep -q '^x$' .git/hooks/post-checkout
    [ -x .git/hooks/post-checkout ]
    sh -n .git/hooks/pre-commit
    cmp .git/hooks/pre-commit.old.migrated <(printf '#!/bin/sh\nmake check\n')
    [ ! -e .git/hooks/pre-commit.old ]
    apart bd migrate hooks --dry-run --json
    [ "$(json_get operation_count <<<"$out")" = 0 ]
}

@test "a copy that would be overwritten stops everything" {
    echo other >.git/hooks/pre-commit.old.migrated
    before=$(find .git/hooks -type f | sort | xargs sha256sum)
    apart bd migrate hooks --apply --yes --json
    [ "$status" = 1 ]
    [[ "$out" == *"another content"* ]]
    [ "$before" = "$(find .git/hooks -type f | sort | xargs sha256sum)" ]
}
