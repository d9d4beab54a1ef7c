#!/usr/bin/env bats
# bd reap: what it takes, and what it leaves alone.

load common

setup() {
    scratch_setup
    workspace
}
teardown() { scratch_teardown; }

ids() { bd list --all --include-infra --json -n 0 | python3 -c 'import json,sys; print(*sorted(i["id"] for i in json.load(sys.stdin)))'; }
status_of() { bd show "$1" --json | json_get 0.status; }

# Old things of each kind, and beside each what must stay.
old_things() {
    local old='"created_at":"2025-01-01T00:00:00Z","updated_at":"2025-01-01T00:00:00Z"'
    cat >f.jsonl <<END
{"id":"t-w-open","title":"w","ephemeral":true,$old}
{"id":"t-w-below","title":"w","ephemeral":true,$old,"dependencies":[{"depends_on_id":"t-epic","type":"parent-child"}]}
{"id":"t-w-pinned","title":"w","ephemeral":true,"pinned":true,$old}
{"id":"t-w-closed","title":"w","ephemeral":true,"status":"closed","closed_at":"2025-01-02T00:00:00Z",$old}
{"id":"t-mail","title":"m","labels":["gt:message"],"status":"closed","closed_at":"2025-01-02T00:00:00Z",$old}
{"id":"t-done","title":"not mail","status":"closed","closed_at":"2025-01-02T00:00:00Z",$old}
{"id":"t-stale","title":"s","priority":2,$old}
{"id":"t-urgent","title":"s","priority":1,$old}
{"id":"t-kept","title":"s","priority":3,"labels":["gt:keep"],$old}
{"id":"t-epic","title":"s","priority":3,"issue_type":"epic",$old}
{"id":"t-blocks","title":"s","priority":3,$old}
{"id":"t-waits","title":"s","priority":3,"dependencies":[{"depends_on_id":"t-blocks","type":"blocks"}],$old}
{"id":"t-off","title":"s","priority":3,"defer_until":"2099-01-01T00:00:00Z",$old}
END
    bd import f.jsonl
    bd create "New wisp" --id t-w-new --ephemeral --silent
}

@test "without --force it tells, and changes nothing" {
    old_things
    before=$(bd export --all | sort)
    apart bd reap
    [ "$status" = 1 ]
    [[ "$out" == *"open wisps closed: 1 (t-w-open)"*"closed wisps deleted: 1 (t-w-closed)"* ]]
    [[ "$out" == *"closed mail deleted: 1 (t-mail)"*"stale issues closed: 1 (t-stale)"* ]]
    [[ "$err" == *"would close 2 and delete 2 issue(s)"*"--force"* ]]
    apart bd reap --dry-run --force --json
    [ "$status" = 0 ]
    [ "$(json_get reaped <<<"$out") $(json_get wisps_purged <<<"$out") $(json_get mail_purged <<<"$out") $(json_get closed <<<"$out") $(json_get open_remain <<<"$out")" = "1 1 1 1 3" ]
    [ "$before" = "$(bd export --all | sort)" ]
}

@test "--force closes and deletes exactly that, in one commit; a second run finds nothing" {
    old_things
    commits=$(bd vc log --json -n 0 | grep -c '"hash"')
    bd reap --force | grep -q "Reaped:"
    [ "$(bd vc log --json -n 0 | grep -c '"hash"')" = $((commits + 1)) ]
    for id in t-w-open t-stale; do [ "$(status_of $id)" = closed ]; done
    [ "$(bd show t-stale --json | json_get 0.close_reason)" = "stale:auto-closed by reaper" ]
    for id in t-w-closed t-mail; do run bd show $id; [ "$status" = 1 ]; done
    for id in t-w-below t-w-pinned t-w-new t-urgent t-kept t-epic t-blocks t-waits t-off; do [ "$(status_of $id)" = open ]; done
    [ "$(status_of t-done)" = closed ]
    bd reap | grep -q "Nothing to reap"
    bd fsck
}

@test "ages: each part can be switched off; wrong ones are refused" {
    old_things
    bd reap --force --max-age off --purge-age off --mail-age off --stale-age 1000w --json | json_get closed | grep -qx 0
    for wrong in 0 -5h soon 5x ""; do
        run bd reap --max-age "$wrong" --dry-run
        [ "$status" = 1 ]
    done
    [ "$(bd reap --dry-run --stale-age 100d --max-age off --json | json_get closed)" = 1 ]
}
