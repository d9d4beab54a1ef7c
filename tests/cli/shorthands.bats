#!/usr/bin/env bats
# defer, undefer, priority, assign, tag, link.
load common

setup() { scratch_setup; workspace; bd create A --id t-a --silent; bd create B --id t-b --silent; }
teardown() { scratch_teardown; }

field() { bd show "$1" --json | json_get "0.$2" 2>/dev/null; }
ready() { bd ready --json | python3 -c 'import json,sys; print(" ".join(sorted(i["id"] for i in json.load(sys.stdin))))'; }

@test "deferred issues leave the ready list until they are taken up again" {
    [ "$(bd defer t-a)" = "* Deferred t-a" ]
    [ "$(field t-a status)" = deferred ]
    [ "$(ready)" = t-b ]
    [ "$(bd undefer t-a)" = "* Undeferred t-a (now open)" ]
    [ "$(ready)" = "t-a t-b" ]
    apart bd undefer t-a
    [ "$status" -eq 0 ]
    [ "$err" = "t-a is not deferred (status: open)" ]
    [ -z "$out" ]
}

@test "defer --until keeps the time, undefer forgets it" {
    apart bd defer t-a t-b --until 2099-12-31 --json
    [ "$(json_get 1.defer_until <<<"$out")" = 2099-12-31T00:00:00Z ]
    apart bd undefer t-a --json
    [ "$(json_get 0.status <<<"$out")" = open ]
    [[ "$out" != *defer_until* ]]
    apart bd defer t-a --until 2001-01-01
    [[ "$err" == *"in the past"*"--until=+1h"* ]]
    apart bd defer t-a --until garbage
    [ "$status" -eq 1 ]
    [[ "$err" == *'invalid --until format "garbage"'* ]]
}

@test "an unknown id stops defer before it changes anything" {
    apart bd defer t-a t-nope
    [ "$status" -eq 1 ]
    [[ "$err" == *'no issue found matching "t-nope"'* ]]
    [ "$(field t-a status)" = open ]
}

@test "priority, assign and tag set one value" {
    apart bd priority t-a P0 --json
    [ "$(json_get priority <<<"$out")" = 0 ]
    [ "$(bd priority a 4)" = "✓ Set priority of t-a — A to P4" ]
    apart bd priority t-a 7
    [ "$status" -eq 1 ]
    [ "$(bd assign t-a alice)" = "✓ Assigned t-a — A to alice" ]
    [ "$(field t-a assignee)" = alice ]
    [ "$(bd assign t-a "")" = "✓ Unassigned t-a — A" ]
    [ "$(bd tag t-a red)" = '✓ Added label "red" to t-a — A' ]
    apart bd tag t-a blue --json
    [ "$(json_get labels <<<"$out")" = '["blue", "red"]' ]
    apart bd tag t-nope red --json
    [ "$status" -eq 1 ]
    [[ "$(json_get error <<<"$out")" == 'resolving t-nope: '* ]]
}

@test "link makes an issue depend on another" {
    apart bd link t-a t-b --json
    [ "$(json_get type <<<"$out")" = blocks ]
    [ "$(ready)" = t-b ]
    apart bd link t-b t-a
    [ "$status" -eq 1 ]
    [[ "$err" == *cycle* ]]
    bd create C --id t-c --silent
    [[ "$(bd link t-c t-a -t related)" == *"Linked: t-c (C) depends on t-a (A) (related)" ]]
    [ "$(bd dep list t-c --json | json_get 0.dependency_type)" = related ]
}

@test "none of them writes under --readonly" {
    for command in "defer t-a" "undefer t-a" "priority t-a 1" "assign t-a x" "tag t-a x" "link t-a t-b"; do
        apart bd --readonly $command
        [ "$status" -eq 1 ]
        [[ "$err" == *"operation '${command%% *}' is not allowed in read-only mode"* ]]
    done
}
