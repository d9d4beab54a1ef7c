#!/usr/bin/env bats
# bd config: where each key lives, what is checked, what is shown.

load common
setup() { scratch_setup; workspace; }
teardown() { scratch_teardown; }

@test "keys of the database are set, listed, read and removed" {
    [ "$(bd config set custom.key "two words")" = "Set custom.key = two words" ]
    [ "$(bd config get custom.key)" = "two words" ]
    [ "$(bd config get custom.key --json | json_get value)" = "two words" ]
    [ "$(bd config list --json | json_get issue_prefix)" = t ]
    [ "$(bd config unset custom.key)" = "Unset custom.key" ]
    [ "$(bd config get custom.key)" = "custom.key (not set)" ]
}

@test "keys of config.yaml are written there, comments stay" {
    comments=$(grep -c '^#' .beads/config.yaml)
    [ "$(bd config set export.auto TRUE)" = "Set export.auto = TRUE (in config.yaml)" ]
    grep -qx 'export.auto: true' .beads/config.yaml
    [ "$(grep -c '^#' .beads/config.yaml)" -eq "$comments" ]
    [ "$(bd config get export.auto)" = true ]
    bd config unset export.auto
    [ "$(bd config get export.auto)" = false ]
    [ "$(bd config get git.author)" = "git.author (not set in config.yaml)" ]
}

@test "beads.role lives in git" {
    bd config set beads.role contributor
    [ "$(git config beads.role)" = contributor ]
    [ "$(bd config get beads.role --json | json_get location)" = "git config" ]
    apart bd config set beads.role boss
    [ "$status" -eq 1 ]
}

@test "several values become one commit" {
    apart bd config set-many custom.a=1 export.auto=true custom.b=2 --json
    [ "$(json_get 1.location <<<"$out")" = config.yaml ]
    [ "$(json_get 2.location <<<"$out")" = database ]
    apart bd config set-many custom.c=3 nonsense
    [ "$status" -eq 1 ]
    [ "$err" = 'Error: invalid argument "nonsense" (expected key=value format)' ]
    [ "$(bd config get custom.c)" = "custom.c (not set)" ]
}

@test "what cannot be is refused" {
    apart bd config set issue_prefix x
    [ "$status" -eq 1 ]
    [[ $err == *"bd rename-prefix"* ]]
    apart bd config set status.custom "nonsense:"
    [ "$err" = 'Error: invalid status.custom value: invalid custom status "nonsense:": trailing colon with empty category' ]
    apart bd config set hierarchy.max-depth 0
    [[ $err == *"must be at least 1, got 0" ]]
    apart bd --readonly config set custom.x 1
    [ "$err" = "Error: operation 'config set' is not allowed in read-only mode" ]
}

@test "a misspelt key is pointed out, and set" {
    apart bd config set exprot.auto true
    [ "$status" -eq 0 ]
    [[ $err == *'Did you mean "export.auto"?'* ]]
    apart bd config set custom.anything 1
    [ -z "$err" ]
}

@test "secrets are not written into a tracked file" {
    apart bd config set github.token s3cret
    [ "$status" -eq 1 ]
    [[ $err == *"refusing to write secret key \"github.token\""* ]]
    ! grep -q s3cret .beads/config.yaml
    bd config set github.token s3cret --force-git-tracked
    grep -q s3cret .beads/config.yaml
}

@test "show tells where each value comes from" {
    bd config set export.path x.jsonl
    export BD_ACTOR=somebody
    apart bd config show --json
    python3 - "$out" <<'P'
import json, sys
e = {x["key"]: (x["value"], x["source"]) for x in json.loads(sys.argv[1])}
assert e["export.path"] == ("x.jsonl", "config.yaml"), e["export.path"]
assert e["actor"] == ("somebody", "env: BD_ACTOR"), e["actor"]
assert e["export.interval"] == ("60s", "default")
assert e["issue_prefix"] == ("t", "database")
assert e["dolt_database"] == ("t", "metadata")
assert e["beads.role"] == ("maintainer", "git")
P
    apart bd config show --source metadata
    [[ $out == *dolt_mode* && $out != *export.path* ]]
}

@test "validate, drift and apply report what is wrong" {
    apart bd config validate
    [ "$status" -eq 1 ]
    [[ $out == *"federation.remote: required for Dolt sync"* ]]
    apart bd config validate --json
    [ "$status" -eq 0 ]
    [ "$(json_get valid <<<"$out")" = false ]
    apart bd config drift --json
    [ "$status" -eq 1 ]
    [ "$(json_get 0.check <<<"$out")" = hooks.missing ]
    apart bd config apply --dry-run --json
    [ "$(json_get 0.status <<<"$out")" = ok ]
}

@test "without a workspace the YAML keys still have their defaults" {
    cd "$SCRATCH/home"
    apart bd config get export.auto
    [ "$out" = false ]
    [ -z "$err" ]
    apart bd config set export.auto true
    [ "$status" -eq 1 ]
    [[ $err == *"no .beads/config.yaml found (run 'bd init' first)" ]]
    for c in show drift apply; do
        apart bd config $c --json
        [ "$status" -eq 0 ]
        [ -z "$err" ]
        [ -n "$(json_get 0 <<<"$out")" ]
    done
}

@test "user files are read below the project's" {
    mkdir -p "$HOME/.config/bd" "$HOME/.beads"
    echo 'actor: lowest' >"$HOME/.beads/config.yaml"
    printf 'actor: user\noutput:\n  title-length: 7\n' >"$HOME/.config/bd/config.yaml"
    [ "$(bd config get actor)" = user ]
    bd config set actor project
    [ "$(bd config get actor)" = project ]
    [ "$(BD_ACTOR=env bd config get actor)" = env ]
}
