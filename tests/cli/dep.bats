#!/usr/bin/env bats
# bd dep, label, comments, comment, note.

load common
setup() { scratch_setup; workspace; for i in a b c d; do bd create "Issue $i" --id "t-$i" --silent; done; }
teardown() { scratch_teardown; }

head_message() { bd vc log -n 1 --json | json_get 0.message; }

@test "dep add, list, remove" {
    run bd dep add t-a b
    [ "$output" = "✓ Added dependency: t-a (Issue a) depends on t-b (Issue b) (blocks)" ]
    [ "$(head_message)" = "bd: dep add (auto-commit) by Test User" ]
    run bd dep t-c --blocks t-b
    [ "$output" = "✓ Added dependency: t-c (Issue c) blocks t-b (Issue b)" ]
    run bd dep list t-b --direction up
    [ "${lines[0]}" = "  t-a: Issue a [P2] (open) via blocks" ]
    [ "$(bd dep list t-a t-b --json | json_get 1.depends_on_id)" = t-c ]
    bd dep rm t-a t-b
    bd dep remove t-a t-b
    [ "$(bd dep list t-a --json | tr -d ' \n')" = "[]" ]
    [[ "$(bd ready --json)" == *'"t-a"'* ]]
}

@test "edges that make no sense are refused" {
    check() { apart bd dep add "${@:2}"; [ "$status" -eq 1 ] && [[ "$err" == *"$1"* ]] || { echo "$err"; false; }; }
    bd dep add t-a t-b
    bd dep add t-b t-c
    check "cannot depend on itself" t-a t-a
    check "adding dependency would create a cycle" t-c t-a
    check "already exists with type \"blocks\"" t-a t-b -t related
    check "resolving dependency ID t-zz" t-a t-zz
    check "requires 2 arg(s), only received 1" t-a
    check "external reference missing capability name" t-a external:x:
    bd create E -t epic --id t-e --silent
    check "tasks can only block other tasks, not epics" t-a t-e
    bd dep add t-d external:proj:cap
    bd dep add t-d other-1
    [[ "$(bd ready --json)" == *'"t-d"'* ]]
}

@test "edges from a file: all or nothing" {
    printf '{"from":"t-a","to":"t-b"}\n\n{"issue_id":"c","depends_on_id":"d","type":"related"}\n' >ok.jsonl
    printf '{"from":"t-b","to":"t-c"}\n{"to":"t-b"}\n{"from":"t-a"}\nnonsense\n' >bad.jsonl
    apart bd dep add --file bad.jsonl
    [ "$status" -eq 1 ]
    [[ "$err" == *"line 2: missing from"*"line 3: missing to"*"line 4: invalid JSON"* ]]
    run bd dep add --file ok.jsonl
    [ "$output" = "✓ Added 2 dependencies" ]
    [ "$(head_message)" = "dependency: add 2 edges" ]
    printf '{"from":"t-d","to":"t-a"}\n{"from":"t-b","to":"t-a"}\n' >cycle.jsonl
    apart bd dep add --file cycle.jsonl --json
    [ "$status" -eq 1 ]
    [[ "$(json_get error <<<"$out")" == "line 2: "*cycle ]]
    [ "$(bd dep list t-d --json | tr -d ' \n')" = "[]" ]
    [ "$(bd vc status --json | grep -c modified)" -eq 0 ]
}

@test "dep tree and cycles" {
    bd dep add t-a t-b
    bd dep add t-b t-c
    bd dep add t-a t-d -t related
    run bd dep tree t-a
    [ "${lines[0]}" = "🌲 Dependency tree for t-a:" ]
    [ "${lines[1]}" = "t-a: Issue a [P2] (open) [BLOCKED]" ]
    [ "${lines[2]}" = "    ├── t-b: Issue b [P2] (open) [blocks]" ]
    [ "${lines[3]}" = "    │   └── t-c: Issue c [P2] (open) [blocks]" ]
    [ "${lines[4]}" = "    └── t-d: Issue d [P2] (open) [related]" ]
    [ "$(bd dep tree t-c --direction up --json | json_get 2.depth)" = 2 ]
    run bd dep tree t-a --format mermaid
    [ "${lines[0]}" = "flowchart TD" ]
    [[ "$output" == *"  t-b --> t-c"* ]]
    run bd dep cycles
    [[ "$output" == *"No dependency cycles detected"* ]]
    printf '{"from":"t-c","to":"t-a"}\n' | bd dep add --file - --no-cycle-check
    run bd dep cycles
    [[ "$output" == *"Found 1 dependency cycles"*"t-a: Issue a"* ]]
}

@test "relate links both ways and blocks nothing" {
    run bd dep relate t-a t-b
    [ "$output" = "✓ Linked t-a ↔ t-b" ]
    [ "$(bd dep list t-b --json | json_get 0.dependency_type)" = relates-to ]
    bd dep unrelate t-a t-b
    [ "$(bd dep list t-b --json | tr -d ' \n')" = "[]" ]
}

@test "labels" {
    run bd label add t-a b " urgent "
    [ "${lines[0]}" = "✓ Added label 'urgent' to t-a" ]
    [ "${lines[1]}" = "✓ Added label 'urgent' to t-b" ]
    [ "$(head_message)" = "bd: label added 'urgent' on 2 issue(s)" ]
    apart bd label add t-none t-c x --json
    [ "$status" -eq 0 ]
    [ "$(json_get 0.issue_id <<<"$out")" = t-c ]
    [[ "$err" == "Error resolving t-none: "* ]]
    run bd label list-all
    [[ "$output" == *"urgent  (2 issues)"* ]]
    bd label remove t-a urgent
    [ "$(bd label list t-a --json | tr -d ' \n')" = "[]" ]
    apart bd label add t-a provides:x
    [ "$status" -eq 1 ]
    [[ "$err" == *"reserved for cross-project capabilities"* ]]
    bd create K --parent t-d --silent
    run bd label propagate t-d deep
    [ "$output" = "✓ Propagated label 'deep' to t-d.1" ]
    run bd label propagate t-a deep
    [ "$output" = "No children found for t-a" ]
}

@test "comments and notes" {
    run bd comments t-a
    [ "$output" = "No comments on t-a" ]
    run bd comments add t-a "first line
second"
    [ "$output" = "Comment added to t-a" ]
    [ "$(head_message)" = "bd: add (auto-commit) by Test User" ]
    run bd comment a more words
    [ "$output" = "✓ Comment added to t-a — Issue a" ]
    [ "$(cat .beads/last-touched)" = t-a ]
    echo piped | bd comment t-a --stdin >/dev/null
    bd comments t-a --json >o.json
    [ "$(json_get 0.text <o.json)" = "$(printf 'first line\nsecond')" ]
    [ "$(json_get 1.text <o.json)" = "more words" ]
    [ "$(json_get 2.text <o.json)" = piped ]
    apart bd comments list
    [ "$status" -eq 1 ]
    [[ "$err" == *'"bd comments list" is not valid.'* ]]
    apart bd comment t-a "  "
    [ "$status" -eq 1 ]
    [ "$err" = "Error: comment text cannot be empty" ]
    bd note t-a one
    bd note t-a two words
    [ "$(bd show t-a --json | json_get 0.notes)" = "$(printf 'one\ntwo words')" ]
}

@test "partial ids" {
    bd create P --id t-abc123 --silent
    bd create Q --id t-abd456 --silent
    run bd note c12 x
    [[ "$output" == *t-abc123* ]]
    apart bd note ab x
    [ "$status" -eq 1 ]
    [[ "$err" == *'ambiguous ID "ab" matches 2 issues: ['* ]]
    apart bd note "a b" x
    [ "$status" -eq 1 ]
    [[ "$err" == *'no issue found matching "a b"'* ]]
}
