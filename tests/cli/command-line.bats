#!/usr/bin/env bats
# The command line: flags, help, errors, standard streams, exit status.

load common
setup() { scratch_setup; }
teardown() { scratch_teardown; }

@test "bare bd and --help print the grouped help and succeed" {
    apart bd
    [ "$status" -eq 0 ]
    [[ $out == *"Usage:"*"Available Commands:"*"Setup & Configuration:"*"init "* ]]
    help=$out
    apart bd --help
    [ "$status" -eq 0 ]
    [ "$out" = "$help" ]
    apart bd config set -h
    [ "$status" -eq 0 ]
    [[ $out == *"bd config set <key> <value> [flags]"*"Global Flags:"* ]]
    apart bd help config set
    [[ $out == *"bd config set <key> <value> [flags]"* ]]
}

@test "help of an unknown command fails" {
    apart bd help nonsense
    [ "$status" -eq 1 ]
    [ -z "$out" ]
    [[ $err == *nonsense* ]]
}

@test "an unknown command is named, with suggestions" {
    apart bd lst
    [ "$status" -eq 1 ]
    [ "$err" = "Error: unknown command \"lst\" for \"bd\"

Did you mean this?
	list

Run 'bd --help' for usage." ]
}

@test "an unknown command is what is wrong, not the flags that came with it" {
    apart bd nosuch sub --kind x
    [ "$status" -eq 1 ]
    [ "$err" = "Error: unknown command \"nosuch\" for \"bd\"
Run 'bd --help' for usage." ]
    apart bd --nope
    [ "$status" -eq 1 ]
    [[ $err == *"unknown flag: --nope"* ]]
}

@test "a group without a body prints its help" {
    apart bd config
    [ "$status" -eq 0 ]
    [[ $out == *"bd config [command]"* ]]
}

@test "wrong flags print the error and the usage on standard error" {
    apart bd version --nope
    [ "$status" -eq 1 ]
    [ -z "$out" ]
    [[ $err == "Error: unknown flag: --nope
Usage:
  bd version [flags]"* ]]
    apart bd version -Z
    [[ $err == "Error: unknown shorthand flag: 'Z' in -Z"* ]]
    apart bd version --db
    [[ $err == "Error: flag needs an argument: --db"* ]]
    apart bd config set one
    [[ $err == "Error: accepts 2 arg(s), received 1"* ]]
}

@test "global flags stand before and behind the command" {
    apart bd --json version
    [ "$(json_get version <<<"$out")" = "$(bd version --json | json_get version)" ]
    apart bd --format JSON version
    [ "$(json_get schema_version <<<"$out")" = 1 ]
    BD_JSON=1 apart bd version
    [ "$(json_get schema_version <<<"$out")" = 1 ]
}

@test "the envelope wraps answers and errors" {
    export BD_JSON_ENVELOPE=1
    apart bd version --json
    [ "$(json_get schema_version <<<"$out")" = 1 ]
    [ -n "$(json_get data.version <<<"$out")" ]
    apart bd -C nowhere version --json
    [ "$status" -eq 1 ]
    [[ $(json_get data.error <<<"$err") == 'cannot use -C directory "nowhere": stat '* ]]
}

@test "version is printed by three spellings" {
    apart bd version
    v=$out
    [[ $v == "bd version "*" ("*")" ]]
    apart bd --version
    [ "$out" = "$v" ]
    apart bd -V
    [ "$out" = "$v" ]
}

@test "a failed write of the answer is a failure" {
    [ -e /dev/full ] || skip "no /dev/full here"
    run bash -c 'bd version >/dev/full'
    [ "$status" -eq 1 ]
    run bash -c 'bd help >/dev/full'
    [ "$status" -eq 1 ]
}

@test "a reader that goes away is a failure, not a signal" {
    run python3 -c 'import os, subprocess
r, w = os.pipe()
os.close(r)
print(subprocess.call(["bd", "help"], stdout=w))'
    [ "${lines[0]}" = 1 ]
}

@test "removed settings and impossible policies are refused" {
    BD_BACKEND=sqlite apart bd where
    [ "$status" -eq 1 ]
    [[ $err == "Error: BD_BACKEND env var is not supported"* ]]
    apart bd version --dolt-auto-commit maybe
    [ "$status" -eq 1 ]
    [ "$err" = 'Error: invalid --dolt-auto-commit="maybe" (valid: off, on, batch)' ]
}

@test "under the name dolt it looks after the database of the folder it is in" {
    workspace
    ln -s bd "$SCRATCH/bin/dolt"
    bd create A >/dev/null
    apart dolt gc
    [ "$status" -eq 2 ]
    [[ $err == *"not a valid dolt repository"* ]]
    cd .beads/embeddeddolt/*/
    apart dolt gc --archive-level=1
    [ "$status" -eq 0 ]
    [ -z "$out" ]
    ls .dolt/noms/oldgen/*.darc
    apart dolt fsck
    [ "$status" -eq 0 ]
    [[ $out == *"No problems found."* ]]
    apart dolt sql
    [ "$status" -eq 1 ]
    [[ $err == *'unknown command "sql" for "dolt"'* ]]
}

@test "the name gt says that it is not built" {
    ln -s bd "$SCRATCH/bin/gt"
    apart gt doctor
    [ "$status" -eq 1 ]
    [[ $err == *"'gt'"* ]]
}

@test "version changes nothing where it runs" {
    git init -q .
    git commit -q --allow-empty -m start
    before=$(ls -laR --time-style=full-iso . | sha256sum)
    bd version
    [ "$before" = "$(ls -laR --time-style=full-iso . | sha256sum)" ]
}

@test "help --all explains every command, --list names them, --doc makes a page" {
    names=$(bd help --list)
    all=$(bd help --all)
    [ "$(wc -l <<<"$names")" -gt 5 ]
    while read -r name; do
        grep -qx "## bd $name" <<<"$all"
    done <<<"$names"
    grep -qx "### bd config set" <<<"$all"
    apart bd help --doc "config set"
    [[ $out == "---
id: config-set
title: bd config set"* ]]
    apart bd help --doc nonsense
    [ "$status" -eq 1 ]
}
