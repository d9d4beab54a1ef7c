#!/usr/bin/env bats
# bd flatten and bd compact: what they ask, what they leave, and that nothing but history goes.
load common

setup() { scratch_setup; workspace; }
teardown() { scratch_teardown; }

db=.beads/embeddeddolt/t
log() { bd vc log -n 0 --json | python3 -c 'import json,sys; print("|".join(c["message"].split("\n")[0] for c in json.load(sys.stdin)))'; }
commits() { bd vc log -n 0 --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))'; }
bytes() { find $db -type f -printf '%s\n' | awk '{s += $1} END {print s}'; }

some() {
    for i in 1 2 3 4 5; do bd create "Issue $i" --id "t-$i" -d "$(head -c 3000 /dev/urandom | base64 -w0)" --silent; done
    for i in 1 2 3 4 5; do bd update "t-$i" -d "$(head -c 3000 /dev/urandom | base64 -w0)" --quiet; done
}

@test "without --force nothing happens, and the answer says how to keep a copy" {
    some
    before=$(log)
    for command in "flatten" "compact --days 0"; do
        apart bd $command
        [ "$status" -eq 1 ]
        [[ "$err" == *"would squash"*"--force"*"bd backup"* ]]
        [ "$(log)" = "$before" ]
    done
}

@test "a preview changes nothing, in read-only mode too" {
    some
    n=$(commits)
    cp -r $db before
    apart bd --readonly flatten --dry-run --json
    [ "$status" -eq 0 ]
    [ "$(json_get commit_count <<<"$out")" = "$n" ]
    [ "$(json_get would_flatten <<<"$out")" = true ]
    apart bd --readonly compact --days 0 --dry-run --json
    [ "$(json_get old_commits <<<"$out")" = "$n" ]
    [ "$(json_get recent_commits <<<"$out")" = 0 ]
    apart bd compact --dry-run
    [[ "$out" == *"DRY RUN"*"Old (>30 days): 0"*"Nothing to compact"* ]]
    diff -r $db before
    run bd --readonly flatten --force
    [ "$status" -eq 1 ]
    diff -r $db before
}

@test "flatten leaves the newest state alone and gives back the space" {
    some
    bd list --all --json --limit 0 >before.json
    size=$(bytes)
    n=$(commits)
    apart bd flatten --force --json
    [ "$status" -eq 0 ]
    [ "$(json_get commits_before <<<"$out")" = "$n" ]
    [ "$(json_get commits_after <<<"$out")" = 1 ]
    [ "$(log)" = "flatten: squash all history into single commit|Initialize data repository" ]
    bd list --all --json --limit 0 | diff before.json -
    [ "$(bytes)" -lt $((size * 3 / 4)) ]
    bd fsck
    apart bd flatten --force --json
    [ "$(json_get message <<<"$out")" = "already flat" ]
    bd create "Later" --silent
    [ "$(commits)" = 3 ]
    [ "$(bd history t-1 --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))')" = 2 ]
}

@test "flatten --keep-recent leaves the newest commits" {
    some
    kept=$(log | cut -d'|' -f1-3)
    apart bd flatten --force --keep-recent 3
    [ "$status" -eq 0 ]
    [[ "$out" == *"Size: "*" → "* ]]
    [ "$(log)" = "$kept|flatten: squash all history into single commit|Initialize data repository" ]
    bd fsck
}

@test "compact squashes what is old and says so" {
    some
    n=$(commits)
    bd kv set uncommitted yes
    apart bd compact --days 0 --force --json
    [ "$(json_get commits_before <<<"$out")" = "$n" ]
    [ "$(json_get old_squashed <<<"$out")" = "$n" ]
    [ "$(json_get recent_kept <<<"$out")" = 0 ]
    [ "$(json_get commits_after <<<"$out")" = 1 ]
    [ "$(log)" = "compact: squash $n commits into base snapshot|Initialize data repository" ]
    [ "$(bd kv get uncommitted)" = yes ]
    apart bd compact --days 0 --force
    [[ "$out" == *"Nothing to compact"* ]]
    apart bd compact --days 1 --force
    [[ "$out" == *"Nothing to compact"* ]]
    apart bd compact --days -1
    [ "$status" -eq 1 ]
}

@test "compact --per-day leaves snapshots of each older day" {
    some
    apart bd compact --days 0 --per-day 1 --force --json
    [ "$(json_get commits_after <<<"$out")" -ge 1 ]
    [ "$(json_get commits_after <<<"$out")" -le 2 ] # it may be midnight
    [[ "$(log)" == "compact: squash "*"|Initialize data repository" ]]
    apart bd compact --days 0 --per-day 1 --force
    [[ "$out" == *"Nothing to compact"* ]]
}

@test "other branches stay, are named, and --all-branches takes them along" {
    some
    bd branch side
    bd create "On main" --silent
    apart bd flatten --force --json
    [ "$(json_get held_by.0 <<<"$out")" = refs/heads/side ]
    bd branch later
    bd create "Again" --silent
    bd create "And again" --silent
    apart bd flatten --force --all-branches --json
    [[ "$out" != *held_by* ]]
    bd fsck
    bd vc merge side
    bd vc merge later
}

@test "a database with a remote is left alone unless it is asked for" {
    some
    python3 - <<'END'
import json
p = ".beads/embeddeddolt/t/.dolt/repo_state.json"
s = json.load(open(p))
s["remotes"] = {"origin": {"name": "origin", "url": "file:///nowhere", "fetch_specs": ["refs/heads/*:refs/remotes/origin/*"], "params": {}}}
json.dump(s, open(p, "w"))
END
    for command in "flatten" "compact --days 0"; do
        apart bd $command --force
        [ "$status" -eq 1 ]
        [[ "$err" == *"origin"*"bd gc"* ]]
    done
    bd flatten --force --force-federated
    [ "$(commits)" = 2 ]
}

@test "a quarantine is respected until somebody removes it" {
    some
    mkdir -p .beads/compact/compact-quarantine
    printf 'db=t\nreason=table issues differs\n' >.beads/compact/compact-quarantine/t
    apart bd flatten --force
    [ "$status" -eq 1 ]
    [[ "$err" == *"table issues differs"*".beads/compact/compact-quarantine/t"* ]]
    rm .beads/compact/compact-quarantine/t
    bd flatten --force
}

@test "what cannot be collected now is noted and done the next time" {
    some
    exec 9>>$db/.dolt/noms/oldgen/LOCK || { mkdir -p $db/.dolt/noms/oldgen; exec 9>>$db/.dolt/noms/oldgen/LOCK; }
    flock 9
    apart timeout 60 bd flatten --force
    exec 9>&-
    [ "$status" -eq 0 ]
    [[ "$err" == *"space was not given back"*"bd gc"* ]]
    grep -q '^db=t$' .beads/compact/compact-pending-gc/t
    [[ "$(bd doctor)" == *"run 'bd gc"* ]]
    cp -r . ../copy
    size=$(bytes)
    (cd ../copy && bd gc --force --skip-decay && [ ! -e .beads/compact/compact-pending-gc/t ] && [ "$(bytes)" -lt $((size * 3 / 4)) ])
    bd flatten --force
    [ ! -e .beads/compact/compact-pending-gc/t ]
    [ "$(bytes)" -lt $((size * 3 / 4)) ]
    [ "$(commits)" = 2 ]
}

@test "--push replaces the remote's branch when both sides agree, and only then" {
    some
    apart bd flatten --force --push
    [ "$status" -eq 1 ]
    [[ "$err" == *"no remote"*"nothing was done"* ]]
    bd dolt remote add origin "file://$SCRATCH/remote"
    bd dolt push
    apart bd flatten --force --push
    [ "$status" -eq 1 ]
    [ "$(commits)" -gt 2 ]
    bd create "Not pushed yet" --silent
    apart bd flatten --force --push --force-federated
    [ "$status" -eq 0 ]
    [[ "$out" == *"Pushed to origin/main, which was "* ]]
    [ "$(commits)" = 2 ]
    [ "$(bd --db "$SCRATCH/remote" vc log --json -n 0 | grep -c '"hash"')" = 2 ]
    [ "$(bd --db "$SCRATCH/remote" count)" = "$(bd count)" ]
    bd flatten --force --push --force-federated | grep -q "Already flat"
    [[ "$(bd doctor)" != *"unfinished"* ]]
    # what is only at the remote is not lost
    bd --db "$SCRATCH/remote" list >/dev/null
    mkdir ../two && cd ../two && git init -q . && bd init --quiet --prefix t --remote "file://$SCRATCH/remote" --skip-agents --skip-hooks --non-interactive
    bd create "Theirs" --id t-theirs --silent
    bd dolt push
    cd "$OLDPWD"
    bd create "Ours" --silent
    before=$(commits)
    apart bd flatten --force --push --force-federated
    [ "$status" -eq 1 ]
    [[ "$err" == *"bd dolt pull"* ]]
    [ "$(commits)" = "$before" ]
}

@test "a push that fails after squashing is kept in mind" {
    some
    bd dolt remote add origin "file://$SCRATCH/remote"
    bd dolt push
    expected=$(bd vc log --json -n 1 | json_get 0.hash)
    bd flatten --force --force-federated >/dev/null
    mkdir -p .beads/compact/compact-pending-push
    printf '%s\n' db=t "reason=the network" remote=origin "expected_remote_head=$expected" verified=true created_at=1 >.beads/compact/compact-pending-push/t
    [[ "$(bd doctor)" == *"was not pushed yet: run 'bd flatten --push"* ]]
    bd flatten --force --push --force-federated | grep -q "Already flat"
    [ ! -e .beads/compact/compact-pending-push/t ]
    [ "$(bd --db "$SCRATCH/remote" vc log --json -n 0 | grep -c '"hash"')" = 2 ]
    printf '%s\n' db=t remote=origin "expected_remote_head=$expected" >.beads/compact/compact-pending-push/t
    bd create "Later" --silent
    apart bd flatten --force --push --force-federated
    [ "$status" -eq 1 ]
    [[ "$err" == *"is not where it was"* ]]
    [ -e .beads/compact/compact-pending-push/t ]
}

# ---- retention ----

@test "history.keep takes a time, a number or all, and nothing else" {
    for value in all 30d "12 weeks" "500 commits" "30d, 1 per day" "500 commits,2 per day" 7w; do
        bd config set history.keep "$value"
        [ "$(bd config get history.keep)" = "$value" ]
    done
    for value in some 0d 12 "5 years" "500 commits x" "all, 1 per day" "7w," "7w, per day"; do
        run bd config set history.keep "$value"
        [ "$status" -eq 1 ]
        [[ "$output" == *"30d"*"500 commits"* ]]
    done
    [ "$(bd config get history.keep)" = 7w ]
}

@test "with history.keep, commands that write let go of older commits by themselves" {
    bd config set history.keep "20 commits"
    for i in $(seq 1 135); do bd create "Issue $i" --silent; done >ids
    n=$(commits)
    [ "$n" -lt 60 ]
    [ "$n" -ge 22 ]
    [[ "$(log)" == *"compact: squash "*" commits into base snapshot|Initialize data repository" ]]
    [ "$(bd count)" = 135 ]
    bd fsck
    grep -q '^kept=22$' .beads/compact/compact-last/t
    # a collection that could not be made then is made by the way, later
    mkdir -p .beads/compact/compact-pending-gc
    printf 'db=t\nreason=busy\ncreated_at=%s\n' "$(date +%s)" >.beads/compact/compact-pending-gc/t
    bd create "At once" --silent
    [ -e .beads/compact/compact-pending-gc/t ]
    printf 'db=t\nreason=busy\ncreated_at=%s\n' "$(($(date +%s) - 100))" >.beads/compact/compact-pending-gc/t
    bd create "Later" --silent
    [ ! -e .beads/compact/compact-pending-gc/t ]
    # branches shrink along and still merge
    bd branch side
    for i in $(seq 1 130); do bd update "$(head -1 ids)" -d "text $i" --quiet; done
    [ "$(commits)" -lt 60 ]
    bd vc merge side
    bd fsck
}

@test "without history.keep, and with a remote, everything is kept" {
    export BD_HISTORY_KEEP="5 commits"
    python3 - <<'END'
import json
p = ".beads/embeddeddolt/t/.dolt/repo_state.json"
s = json.load(open(p))
s["remotes"] = {"origin": {"name": "origin", "url": "file:///nowhere", "fetch_specs": ["refs/heads/*:refs/remotes/origin/*"], "params": {}}}
json.dump(s, open(p, "w"))
END
    warned=0
    for i in $(seq 1 135); do
        bd create "Issue $i" --silent 2>err >/dev/null
        if [ -s err ]; then grep -q "history.keep has no effect.*origin" err && warned=$((warned + 1)); fi
    done
    [ "$warned" = 1 ]
    [ "$(commits)" -ge 135 ]
    BD_HISTORY_KEEP=nonsense bd create "One more" --silent 2>err >/dev/null
    grep -q "everything is kept" err
}
