#!/usr/bin/env bats
# bd delete: previews, what goes with an issue, marks in the texts of neighbours, cascades.
load common

setup() { scratch_setup; workspace; }
teardown() { scratch_teardown; }

ids() { bd list --all --json --limit 0 | python3 -c 'import json,sys; print(" ".join(sorted(i["id"] for i in json.load(sys.stdin))))'; }

three() {
    bd create A --id t-a --silent
    bd create B --id t-b --deps t-a -d "see t-a, t-ab, t-a.1 and (t-a)" --silent
    bd create C --id t-c --deps t-b --silent
}

@test "without --force, or with --dry-run, nothing is deleted" {
    three
    run bd delete t-a
    [ "$status" -eq 0 ]
    [[ "$output" == *"DELETE PREVIEW"*"t-b → t-a (inbound)"*"bd delete t-a --force"* ]]
    run bd delete t-a --force --dry-run
    [[ "$output" == *"no changes made"* ]]
    [ "$(ids)" = "t-a t-b t-c" ]
}

@test "a deleted issue is marked in the texts of its neighbours, as a whole word only" {
    three
    apart bd delete t-a --force --json
    [ "$status" -eq 0 ]
    [ "$(json_get deleted <<<"$out")" = t-a ]
    [ "$(json_get dependencies_removed <<<"$out")" = 1 ]
    [ "$(json_get references_updated <<<"$out")" = 1 ]
    [ "$(bd show t-b --json | json_get 0.description)" = "see [deleted:t-a], t-ab, t-a.1 and ([deleted:t-a])" ]
    [ "$(bd ready --json | json_get 0.id)" = t-b ]
}

@test "labels, comments and events go with the issue" {
    bd create D --id t-d -l x,y --silent
    bd create F --id t-f --silent
    bd comment t-d "a remark"
    apart bd delete t-d t-f --force --json
    [ "$(json_get labels_removed <<<"$out")" = 2 ]
    [ "$(json_get deleted_count <<<"$out")" = 2 ]
    bd create D2 --id t-d --silent
    [ "$(bd comments t-d --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))')" = 0 ]
    [ "$(bd label list t-d --json)" = "[]" ]
}

@test "several issues with dependents outside need --cascade or --force" {
    three
    bd create F --id t-f --silent
    apart bd delete t-a t-f
    [ "$status" -eq 1 ]
    [[ "$out" == *"issue t-a has dependents not in deletion set"* ]]
    apart bd delete t-a t-f --force --json
    [ "$(json_get orphaned_issues <<<"$out")" = '["t-b"]' ]
    [ "$(ids)" = "t-b t-c" ]
    apart bd delete t-b --cascade --force --json
    [ "$(json_get deleted_count <<<"$out")" = 2 ]
    [ "$(ids)" = "" ]
}

@test "ids come from a file; an unknown one stops everything" {
    three
    printf '# old ones\nt-b\n\n  t-c\nt-b\n' >ids.txt
    apart bd delete --from-file ids.txt t-nope --force
    [ "$status" -eq 1 ]
    [[ "$err" == *"issues not found: t-nope"* ]]
    [ "$(ids)" = "t-a t-b t-c" ]
    bd delete --from-file ids.txt --force
    [ "$(ids)" = "t-a" ]
    run bd delete --force
    [ "$status" -eq 1 ]
    [[ "$output" == *"no issue IDs provided"* ]]
}

@test "a wisp and its edges are deleted" {
    bd create A --id t-a --silent
    w=$(bd create W --ephemeral --silent)
    bd dep add t-a "$w"
    [ "$(bd ready --json)" = "[]" ] || [ "$(bd ready --json | grep -c '"t-a"')" = 0 ]
    bd delete "$w" --force
    [ "$(bd ready --json | json_get 0.id)" = t-a ]
    [ "$(bd dep list t-a --json)" = "[]" ]
}
