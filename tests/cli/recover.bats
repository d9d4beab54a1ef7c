#!/usr/bin/env bats
# bd gc --recover: the runbook as one command.
load common

setup() {
    scratch_setup
    workspace
    store
    bd create "First" >/dev/null
    bd create "Second" >/dev/null
}
teardown() { scratch_teardown; }

damage_last_byte() {
    printf '\xff' | dd of="$journal" bs=1 seek=$(($(stat -c %s "$journal") - 3)) conv=notrunc status=none
}

@test "recover: says the steps, asks, copies, collects, checks" {
    apart bd gc --recover --dry-run
    [ "$status" -eq 0 ]
    [[ "$out" == *"1. no other process"*"2. twice its size"*"3. copy .dolt"*"(not done)"* ]]
    apart bd gc --recover
    [ "$status" -eq 1 ]
    [[ "$err" == *"--yes"* ]]
    [ ! -e "$db"/.dolt.bak-* ]
    for i in 1 2 3 4 5 6 7 8; do bd update t-nothing --title x >/dev/null 2>&1 || true; bd create "more $i" >/dev/null; done
    apart bd gc --recover --yes
    [ "$status" -eq 0 ]
    [[ "$out" == *"Recovered:"*"reclaimed"*".dolt.bak-"* ]]
    [ -d "$db"/.dolt.bak-*/noms ]
    [ "$(bd list --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))')" = 10 ]
    apart bd fsck
    [ "$status" -eq 0 ]
}

@test "recover: refused while another process holds the database" {
    exec 9<"$noms/LOCK"
    flock 9
    apart bd gc --recover --yes
    [ "$status" -eq 1 ]
    [[ "$err" == *"another process holds"* ]]
    exec 9<&-
    [ ! -e "$db"/.dolt.bak-* ]
    printf '%d:3306:x' $$ >"$db/.dolt/sql-server.info"
    apart bd gc --recover --yes
    [ "$status" -eq 1 ]
    [[ "$err" == *"a server"* ]]
}

@test "recover: a damaged database is mended first" {
    rm "$noms/manifest"
    damage_last_byte
    apart bd gc --recover --yes --json
    [ "$status" -eq 0 ]
    [ "$(json_get recovered <<<"$out")" = true ]
    [ "$(json_get repairs.0.done <<<"$out")" = true ]
    apart bd fsck
    [ "$status" -eq 0 ]
    bd list >/dev/null
}
