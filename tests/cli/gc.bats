#!/usr/bin/env bats
# bd gc: decay, the collection, what it tells; the automatic one.
load common

setup() { scratch_setup; workspace; store; }
teardown() { scratch_teardown; }

@test "a dry run tells the phases and changes nothing" {
    bd create A --id t-a --silent
    before=$(md5sum $journal)
    run bd gc --dry-run --older-than 0
    [ "$status" -eq 0 ]
    [[ "$output" == *"Phase 1/3"*"Phase 2/3"*"Phase 3/3"*"Would run DOLT_GC()"*"DRY RUN complete"* ]]
    [ "$(md5sum $journal)" = "$before" ]
    [ -z "$(find $noms -name 'nbs_*' -o -name '*.darc')" ]
}

@test "the store shrinks, the issues and their history stay" {
    for i in 1 2 3 4 5; do bd create "Issue $i" --id t-$i --silent; done
    list=$(bd list --json) log=$(bd vc log --json --limit 0)
    apart bd gc --json --verbose
    [ "$status" -eq 0 ]
    [ "$(json_get phases.2.detail <<<"$out")" = complete ]
    [ "$(json_get bytes_after <<<"$out")" -lt "$(json_get bytes_before <<<"$out")" ]
    [ ! -e $journal ]
    [ "$(bd list --json)" = "$list" ]
    [ "$(bd vc log --json --limit 0)" = "$log" ]
    run bd gc --skip-decay
    [[ "$output" == *"Nothing was written since the last collection"* ]]
    bd create After --id t-after --silent
    bd gc --skip-decay --full --archive-level 0
    [ -z "$(find $noms -name '*.darc')" ]
    [ "$(bd show t-after --json | json_get 0.title)" = After ]
}

@test "old closed issues go only with --force" {
    bd create A --id t-a --silent
    bd create B --id t-b --silent
    bd create C --id t-c --silent
    bd close t-a t-b --reason done
    apart bd gc --older-than 0 --skip-dolt
    [ "$status" -eq 1 ]
    [[ "$err" == *"would delete"*"--force"* ]]
    run bd gc --older-than 0 --skip-dolt --force
    [ "$status" -eq 0 ]
    [[ "$output" == *"Deleted 2 issue(s)"* ]]
    run bd show t-a
    [ "$status" -ne 0 ]
    bd show t-c
}

@test "wrong numbers are refused" {
    run bd gc --older-than -1
    [ "$status" -eq 1 ]
    [[ "$output" == *"--older-than must be non-negative"* ]]
    run bd gc --archive-level 2
    [ "$status" -eq 1 ]
}

@test "a long journal is collected by the command that finds it; gc.auto switches that off" {
    python3 -c 'import base64, random
random.seed(1)
for i in range(90):
    text = base64.b64encode(random.randbytes(225000)).decode()
    print("{\"id\":\"t-%d\",\"title\":\"i\",\"status\":\"open\",\"priority\":2,\"issue_type\":\"task\",\"description\":\"%s\",\"created_at\":\"2026-01-01T00:00:00Z\",\"updated_at\":\"2026-01-01T00:00:00Z\"}" % (i, text))' >big.jsonl
    BD_GC_AUTO=false bd import big.jsonl >/dev/null
    [ "$(stat -c %s $journal)" -gt 16777216 ]
    list=$(bd list --json --limit 0)
    BD_GC_AUTO=false bd create A --id t-a --silent
    [ "$(stat -c %s $journal)" -gt 16777216 ]
    bd close t-a
    [ -n "$(find $noms -name '*.darc')" ]
    [ "$(bd list --json --limit 0)" = "$list" ]
}
