#!/usr/bin/env bats
# bd update, close, reopen: fields, guards, events, claims, the audit log.

load common
setup() { scratch_setup; workspace; }
teardown() { scratch_teardown; }

new() { bd create "$@" --silent; }
field() { bd show "$1" --json | json_get "0.$2"; }
head_message() { bd vc log -n 1 --json | json_get 0.message; }

@test "update sets fields and prints what it changed" {
    id=$(new One)
    run bd update "$id" --title " Uno " -p P0 -s in_progress -a me --estimate 5
    [ "$output" = "✓ Updated issue: $id — Uno" ]
    [ "$(field "$id" status)$(field "$id" priority)$(field "$id" assignee)" = in_progress0me ]
    [ -n "$(field "$id" started_at)" ]
    [ "$(head_message)" = "bd: update (auto-commit) by Test User" ]
    bd update "$id" --append-notes first
    bd update "$id" --append-notes second
    [ "$(field "$id" notes)" = "$(printf 'first\nsecond')" ]
    run bd update "$id"
    [ "$output" = "No updates specified" ]
    [ "$status" -eq 0 ]
}

@test "several ids: what cannot be changed is told, the rest is changed" {
    a=$(new A) b=$(new B)
    apart bd update "$a" t-none "$b" -p 4 --json
    [ "$status" -eq 0 ]
    [ "$err" = 'Error resolving t-none: no issue found matching "t-none"' ]
    [ "$(json_get 1.priority <<<"$out")" = 4 ]
    apart bd update t-none -p 4
    [ "$status" -eq 1 ]
    [ -z "$out" ]
    apart bd update "$a" -t banana
    [ "$status" -eq 1 ]
    [ "$err" = "Error updating $a: invalid issue type: banana" ]
}

@test "labels and metadata" {
    id=$(new L -l a,b --metadata '{"n":12345678901234567890,"k":"v"}')
    bd update "$id" --add-label c --remove-label a >/dev/null
    [ "$(field "$id" labels)" = '["b", "c"]' ]
    bd update "$id" --set-labels x,y >/dev/null
    [ "$(field "$id" labels)" = '["x", "y"]' ]
    bd update "$id" --metadata '{"k":"w","z":[1]}' >/dev/null
    [ "$(field "$id" metadata.k)" = w ]
    [ "$(field "$id" metadata.z)" = "[1]" ]
    bd update "$id" --set-metadata k=7 --set-metadata s=text --unset-metadata z >/dev/null
    [ "$(field "$id" metadata.k)" = 7 ]
    [ "$(field "$id" metadata.s)" = text ]
    run bd show "$id" --json
    [[ "$output" != *'"z"'* ]]
    apart bd update "$id" --metadata '[1]'
    [ "$status" -eq 1 ]
    [[ "$err" == *"not a JSON object"* ]]
}

@test "claiming is all or nothing" {
    id=$(new Claim)
    for i in 1 2 3 4 5 6 7 8; do bd --actor "w$i" update "$id" --claim >"o.$i" 2>"e.$i" & done
    wait
    [ "$(cat o.* | grep -c Updated)" -eq 1 ]
    [ "$(cat e.* | grep -c 'already claimed')" -eq 7 ]
    who=$(field "$id" assignee)
    bd --actor "$who" update "$id" --claim
    [ "$(field "$id" status)" = in_progress ]
}

@test "due and defer" {
    id=$(new D)
    bd update "$id" --defer +2d >/dev/null
    [ "$(field "$id" status)" = deferred ]
    bd update "$id" --defer "" >/dev/null
    [ "$(field "$id" status)" = open ]
    apart bd update "$id" --due nonsense --json
    [ "$status" -eq 1 ]
    [[ "$(json_get error <<<"$out")" == 'invalid --due format "nonsense"'* ]]
}

@test "update --parent moves a child" {
    p=$(new P -t epic) q=$(new Q -t epic) c=$(new C)
    bd update "$c" --parent "$p" >/dev/null
    bd update "$c" --parent "$q" >/dev/null
    [ "$(bd dep list "$c" --json | json_get 0.id)" = "$q" ]
    bd update "$c" --parent "" >/dev/null
    [ "$(bd dep list "$c" --json | tr -d ' \n')" = "[]" ]
    apart bd update "$c" --parent t-none
    [ "$status" -eq 1 ]
    [[ "$err" == *"parent issue t-none not found"* ]]
}

@test "close: reasons, guards, audit" {
    a=$(new A) b=$(new B --deps "$a") e=$(new E -t epic) c=$(new C --parent "$e")
    apart bd close "$b"
    [ "$status" -eq 1 ]
    [ "$err" = "cannot close $b: blocked by open issues [$a] (use --force to override)" ]
    apart bd close "$e"
    [ "$status" -eq 1 ]
    [[ "$err" == "cannot close epic $e: 1 open child issue(s)"* ]]
    run bd close "$a" "$c" -r one -r two
    [ "${lines[0]}" = "✓ Closed $a — A: one" ]
    [ "${lines[1]}" = "✓ Closed $c — C: two" ]
    [ "$(field "$a" close_reason)" = one ]
    [ -n "$(field "$a" closed_at)" ]
    run bd done "$b" "all is well"
    [ "$output" = "✓ Closed $b — B: all is well" ]
    [ "$(grep -c '"kind":"field_change"' .beads/interactions.jsonl)" -eq 3 ]
    [ "$(head_message)" = "bd: close (auto-commit) by Test User" ]
    apart bd close t-none "$e"
    [ "$status" -eq 1 ]
    [ "$(field "$e" status)" = open ]
}

@test "close --suggest-next and --claim-next" {
    a=$(new A) b=$(new B --deps "$a" -p 0)
    bd close "$a" --suggest-next --json >o.json
    [ "$(json_get unblocked.0.id <o.json)" = "$b" ]
    c=$(new C -p 4)
    run bd close "$c" --claim-next
    [[ "$output" == *"Auto-claimed next ready issue: $b — B (P0)"* ]]
    [ "$(field "$b" assignee)" = "Test User" ]
    run bd close "$b" --claim-next
    [[ "$output" == *"No ready issues available to claim."* ]]
}

@test "closing unblocks and reopening blocks, without touching the blocked issue's time" {
    a=$(new A) b=$(new B --deps "$a")
    before=$(field "$b" updated_at)
    [[ "$(bd ready --json)" != *"\"$b\""* ]]
    bd close "$a" >/dev/null
    [[ "$(bd ready --json)" == *"\"$b\""* ]]
    run bd reopen "$a" -r again
    [ "$output" = "↻ Reopened $a: again" ]
    [[ "$(bd ready --json)" != *"\"$b\""* ]]
    [ "$(field "$b" updated_at)" = "$before" ]
    apart bd reopen "$a"
    [ "$status" -eq 0 ]
    [ "$err" = "$a is already open" ]
}

@test "--readonly refuses" {
    id=$(new A)
    for c in "create x" "q x" "update $id -p 1" "close $id" "reopen $id" "dep add $id $id" "label add $id l" "comment $id c" "note $id n"; do
        apart bd --readonly $c
        [ "$status" -eq 1 ] && [[ "$err" == *"is not allowed in read-only mode"* ]] || { echo "$c: $err"; false; }
    done
}
