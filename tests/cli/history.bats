#!/usr/bin/env bats
# History: bd history, diff, show --as-of, vc log, vc diff, vc show, vc status, vc commit.

load common

setup() {
    scratch_setup
    workspace
    bd create "First" --id t-a -d $'one\ntwo\nthree' --silent
    base=$(bd vc status --json | json_get commit)
    bd update t-a -p 0 >/dev/null
    bd create "Second" --id t-b --silent
    bd close t-a >/dev/null
}
teardown() { scratch_teardown; }

@test "history has one entry per commit, newest first" {
    run bd history t-a
    [[ "$output" == *"📜 History for t-a (4 entries)"* ]]
    [ "$(bd history t-a --json | json_get 0.Issue.status)" = closed ]
    [ "$(bd history t-a --json | json_get 3.Issue.priority)" = 2 ]
    [ "$(bd history t-a --limit 1 --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))')" = 1 ]
    [ "$(bd history t-nope)" = "No history found for issue t-nope" ]
    [ "$(bd history t-nope --json)" = null ]
    run bd history
    [ "$status" -eq 1 ]
}

@test "diff lists added and modified issues" {
    run bd diff "$base" HEAD
    [[ "$output" == *"(2 issues affected)"* ]]
    [[ "$output" == *"  + t-b: Second"* ]]
    [[ "$output" == *"  ~ t-a (status: open -> closed, priority: P2 -> P0)"* ]]
    [ "$(bd diff HEAD HEAD --json)" = "No changes between HEAD and HEAD" ]
    [ "$(bd diff "$base" HEAD --json | json_get 0.DiffType)" = modified ]
    run bd diff nonsense HEAD
    [ "$status" -eq 1 ]
}

@test "show --as-of is the past" {
    [ "$(bd show t-a --as-of "$base" --json | json_get 0.priority)" = 2 ]
    apart bd show t-b --as-of "$base"
    [ "$status" -eq 0 ]
    [[ "$err" == *"not found: issue t-b as of $base"* ]]
}

@test "vc log is newest first, with filters" {
    run bd vc log --oneline -n 2
    [ "${#lines[@]}" -eq 2 ]
    [[ "${lines[0]}" == *"(main) bd: close"* ]]
    [ "$(bd vc log --json -n 1 | json_get 0.author)" = root ]
    [ "$(bd vc log --issue t-a --json -n 0 | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))')" = 3 ]
    [ "$(bd vc log --author nobody --json)" = "[]" ]
    [ "$(bd vc log --since tomorrow --json)" = "[]" ]
    run bd vc log --graph --oneline -n 1
    [[ "$output" == "* "* ]]
    run bd vc log -n 1 --stat
    [[ "$output" == *"issues "*"+0 ~1 -0"* ]]
}

@test "vc diff shows cells, long texts by line" {
    bd update t-b -d $'one\ntwo\nthree' >/dev/null
    bd update t-b -d $'one\n2\nthree' >/dev/null
    run bd vc diff HEAD~1 HEAD --issue t-b
    [[ "$output" == *"description:"*"- two"*"+ 2"* ]]
    run bd vc diff HEAD~1 HEAD --stat
    [[ "$output" == *"issues"*"+0 ~1 -0"* ]]
    [ "$(bd vc diff "$base" HEAD --table issues --json | json_get 0.table)" = issues ]
    [ "$(bd vc diff HEAD HEAD)" = "No changes between HEAD and HEAD" ]
}

@test "vc show is a commit with its changes" {
    run bd vc show
    [[ "$output" == commit*"Author: root"*"bd: close"*"status: open → closed"* ]]
    [ "$(bd vc show --json | json_get message | cut -c1-9)" = "bd: close" ]
    [ "$(bd vc show HEAD~1 --json | json_get diff.0.change)" = added ]
    run bd vc show nonsense
    [ "$status" -eq 1 ]
}

@test "vc commit needs a message and something to commit" {
    run bd vc commit
    [ "$status" -eq 1 ]
    [[ "$output" == *"commit message is required"* ]]
    [ "$(bd vc commit -m nothing)" = "Nothing to commit" ]
    bd update t-b -p 1 --dolt-auto-commit off >/dev/null
    run bd vc commit -m "Raise it"
    [[ "$output" == "Created commit "* ]]
    [ "$(bd vc log -n 1 --json | json_get 0.message)" = "Raise it" ]
    bd update t-b -p 2 --dolt-auto-commit off >/dev/null
    echo "From a pipe" | bd vc commit --stdin >/dev/null
    [ "$(bd vc log -n 1 --json | json_get 0.message)" = "From a pipe" ]
}

@test "branch lists branches" {
    [ "$(bd branch --json | json_get current)" = main ]
    [[ "$(bd branch)" == *"* main"* ]]
}

@test "dolt commit is the commit point of batch mode" {
    before=$(bd vc status --json | json_get commit)
    bd --dolt-auto-commit batch update t-b -p 1
    [ "$(bd vc status --json | json_get commit)" = "$before" ]
    [ "$(bd dolt commit -m "All at once")" = "Committed." ]
    [ "$(bd vc status --json | json_get commit)" != "$before" ]
    [ "$(bd dolt commit)" = "Nothing to commit." ]
    apart bd dolt commit --json
    [ "$(json_get committed <<<"$out")" = false ]
    apart bd --readonly dolt commit
    [ "$status" -eq 1 ]
}

@test "what needs a server says so" {
    [ "$(bd dolt status --json | json_get mode)" = embedded ]
    for command in start stop test killall clean-databases "set port 1"; do
        apart bd dolt $command
        [ "$status" -eq 1 ]
        [[ "$err" == *"'bd dolt ${command%% *}' is not supported in embedded mode"* ]]
    done
}
